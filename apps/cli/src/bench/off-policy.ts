import { openBenchmark, setupOf } from '@acrouter/bench/bench-source';
import { coverageStudy } from '@acrouter/bench/off-policy-study';
import type { ReplayOptions } from '@acrouter/bench/replay';
import { defaultPolicyName } from '@acrouter/domain/routing/registry';
import type { Command } from 'commander';
import { print, printJson } from '../output';
import type { SourceFlags } from './replay';
import { numberIn, sourceOf, withSource } from './replay';
import { textTable } from './text-table';

const OPTIONS: ReplayOptions = {
  maxAttempts: 1,
  costWeight: 0.1,
  verifierNoise: 0,
  attemptPrice: 0,
  unknownCost: 'mean',
};

/** `acr bench off-policy` */
export function registerOffPolicy(bench: Command): void {
  withSource(bench.command('off-policy'))
    .summary('how often estimates from logged probabilities cover the truth')
    .option('--against <model>', 'model whose score is estimated (default: the strongest)')
    .option('--repetitions <n>', 'logged streams', numberIn('--repetitions', 1, 10_000, true), 200)
    .option('--json', 'print one line of JSON')
    .action((flags: SourceFlags & { against?: string; repetitions: number; json?: boolean }) => {
      const source = sourceOf({ ...flags, exploration: flags.exploration ?? 0.3 });
      const benchmark = openBenchmark(source);
      const setup = setupOf(source, benchmark);
      const against = flags.against ?? setup.strongest;
      const policy = defaultPolicyName({ maxAttempts: 1 });
      const outcome = coverageStudy(benchmark, setup, policy, against, OPTIONS, flags.repetitions);
      if (flags.json) return printJson(outcome);
      const rows = (['ips', 'snips', 'doublyRobust'] as const).map((key) => [
        key,
        `${(100 * outcome.covered[key]).toFixed(1)} %`,
        `±${(100 * outcome.halfWidth[key]).toFixed(1)}`,
      ]);
      const title = `always ${against}: true score ${(100 * outcome.truth).toFixed(2)} %, ${outcome.repetitions} logs`;
      print([title, ...textTable(['estimator', '95 % interval covers', 'half-width'], rows)].join('\n'));
    });
}
