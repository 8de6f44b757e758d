import type { AblationRow } from '@acrouter/bench/ablation';
import { ablation } from '@acrouter/bench/ablation';
import { openBenchmark, setupOf } from '@acrouter/bench/bench-source';
import { timeDecisions } from '@acrouter/bench/decide-bench';
import { driftStudy } from '@acrouter/bench/drift-study';
import { coverageStudy } from '@acrouter/bench/off-policy-study';
import type { ReplayOptions } from '@acrouter/bench/replay';
import { defaultPolicyName } from '@acrouter/domain/routing/registry';
import type { Command } from 'commander';
import { print, printJson } from '../output';
import { progressBar } from './progress-bar';
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

interface StudyFlags extends SourceFlags {
  orders: number;
  json?: boolean;
}

/** `acr bench ablation` */
export function registerAblation(bench: Command): void {
  withSource(bench.command('ablation'))
    .summary('what information, memory, verifier and prior are each worth')
    .option('--orders <n>', 'shuffled orders', numberIn('--orders', 1, 1_000, true), 10)
    .option('--json', 'print one line of JSON')
    .action((flags: StudyFlags) => {
      const source = sourceOf(flags);
      const benchmark = openBenchmark(source);
      const bar = progressBar('configurations');
      const outcome = ablation(benchmark, setupOf(source, benchmark), flags.orders, bar.update);
      bar.end();
      if (flags.json) return printJson(outcome);
      const cells = (row: AblationRow) => [
        row.name,
        row.cumReg.toFixed(1),
        row.avgPerf.toFixed(2),
        row.costUsd.toFixed(2),
      ];
      const { information, modules, strongest, frontier, atEqualScore, atEqualSpend } = outcome;
      const rows = [information.without, information.with, ...modules, strongest, ...frontier];
      print([benchmark.name, ...textTable(['', 'CumReg', 'AvgPerf%', 'USD'], rows.map(cells))].join('\n'));
      print(`Statistics per dimension: ${(100 * information.relativeGain).toFixed(1)} % more score.`);
      if (atEqualScore) {
        print(
          `Score of ${strongest.name} for ${(100 * atEqualScore.spendShare).toFixed(1)} % of its spend: ${atEqualScore.name}.`,
        );
      }
      if (atEqualSpend)
        print(`At its spend ${atEqualSpend.lead.toFixed(1)} points more: ${atEqualSpend.name}.`);
    });
}

/** `acr bench drift` */
export function registerDrift(bench: Command): void {
  withSource(bench.command('drift'))
    .summary('regret after the best models lose half their score, with and without the drift rule')
    .option('--orders <n>', 'shuffled orders', numberIn('--orders', 1, 1_000, true), 10)
    .option('--passes <n>', 'passes over the rows per half', numberIn('--passes', 1, 50, true), 1)
    .option('--policy <name>', 'policy (default: the one-shot default)')
    .option('--json', 'print one line of JSON')
    .action((flags: StudyFlags & { passes: number; policy?: string }) => {
      const source = sourceOf(flags);
      const benchmark = openBenchmark(source);
      const policy = flags.policy ?? defaultPolicyName({ maxAttempts: 1 });
      const outcome = driftStudy(
        benchmark,
        setupOf(source, benchmark),
        policy,
        OPTIONS,
        flags.orders,
        flags.passes,
      );
      if (flags.json) return printJson(outcome);
      const rows = (['drifting', 'steady'] as const).map((key) => [
        key,
        outcome[key].withRule.mean.toFixed(1),
        outcome[key].withoutRule.mean.toFixed(1),
        outcome[key].ratio.toFixed(3),
      ]);
      const head = ['regret of the second half', 'with rule', 'without', 'ratio'];
      print(
        [`${policy}, ${outcome.tasks} tasks, ${outcome.orders} orders`, ...textTable(head, rows)].join('\n'),
      );
    });
}

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

/** `acr bench decide` */
export function registerDecide(bench: Command): void {
  bench
    .command('decide')
    .summary('time of one decision of every policy, without the neighbour search')
    .option('--memories <n>', 'attempts learnt beforehand', numberIn('--memories', 0, 1e6, true), 20_000)
    .option('--decisions <n>', 'decisions timed', numberIn('--decisions', 100, 1e6, true), 10_000)
    .option('--policies <names>', 'comma-separated (default: all)')
    .option('--json', 'print one line of JSON')
    .action((flags: { memories: number; decisions: number; policies?: string; json?: boolean }) => {
      const timings = timeDecisions(flags.memories, flags.decisions, flags.policies?.split(','));
      if (flags.json) return printJson({ memories: flags.memories, models: 8, timings });
      const rows = timings.map((t) => [
        t.policy,
        t.p50Micros.toFixed(1),
        t.p99Micros.toFixed(1),
        t.complexity,
      ]);
      const title = `${flags.memories} memories, 8 models, 10 neighbours, ${flags.decisions} decisions each`;
      print([title, ...textTable(['policy', 'µs p50', 'µs p99', 'complexity'], rows)].join('\n'));
    });
}
