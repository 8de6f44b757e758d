import type { AblationRow } from '@acrouter/bench/ablation';
import { ablation } from '@acrouter/bench/ablation';
import { openBenchmark, setupOf } from '@acrouter/bench/bench-source';
import { driftStudy } from '@acrouter/bench/drift-study';
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
    .option('--max-attempts <k>', 'attempts per task', numberIn('--max-attempts', 1, 100, true), 1)
    .option('--policy <name>', 'policy (default: what the product uses for that many attempts)')
    .option('--json', 'print one line of JSON')
    .action((flags: StudyFlags & { passes: number; maxAttempts: number; policy?: string }) => {
      const source = sourceOf(flags);
      const benchmark = openBenchmark(source);
      const { maxAttempts } = flags;
      const policy = flags.policy ?? defaultPolicyName({ maxAttempts });
      const outcome = driftStudy(
        benchmark,
        setupOf(source, benchmark),
        policy,
        { ...OPTIONS, maxAttempts },
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
