import { openBenchmark, setupOf } from '@acrouter/bench/bench-source';
import { stabilityStudy } from '@acrouter/bench/stability';
import type { StabilityRow } from '@acrouter/bench/stability';
import type { Command } from 'commander';
import { print, printJson } from '../output';
import { progressBar } from './progress-bar';
import type { SourceFlags } from './replay';
import { numberIn, sourceOf, withSource } from './replay';
import { textTable } from './text-table';

interface StabilityFlags extends SourceFlags {
  splits: number;
  orders: number;
  only?: string;
  json?: boolean;
}

/** `acr bench stability` */
export function registerStability(bench: Command): void {
  withSource(bench.command('stability'))
    .summary('whether the targets hold on random halves of the rows')
    .description(
      'Splits the tasks at random into halves, replays each half by itself and compares the default policy with\nwhat it must beat there. A ratio is the default’s figure over the other’s. Halves learn from half the tasks,\nso learners do a little worse than on all rows.',
    )
    .option('--splits <n>', 'random splits; two halves each', numberIn('--splits', 1, 1_000, true), 10)
    .option('--orders <n>', 'shuffled orders per half', numberIn('--orders', 1, 1_000, true), 3)
    .option('--only <text>', 'only settings whose name contains this, e.g. "K=3"')
    .option('--json', 'print one line of JSON')
    .action((flags: StabilityFlags) => {
      const source = sourceOf(flags);
      const benchmark = openBenchmark(source);
      const bar = progressBar('halves');
      const rows = stabilityStudy(benchmark, setupOf(source, benchmark), {
        splits: flags.splits,
        orders: flags.orders,
        ...(flags.only === undefined ? {} : { only: flags.only }),
        onProgress: bar.update,
      });
      bar.end();
      if (flags.json) return printJson({ benchmark: benchmark.name, rows });
      print(`${benchmark.name}, ${2 * flags.splits} random halves, ${flags.orders} orders each`);
      print(textTable(HEAD, rows.map(cells)).join('\n'));
    });
}

const HEAD = ['setting', 'default', 'compared with', 'figure', 'limit', 'mean', 'sd', 'worst', 'held'];

const cells = (row: StabilityRow) => [
  row.setting,
  row.policy,
  row.against,
  row.figure,
  row.limit.toFixed(2),
  row.ratio.mean.toFixed(3),
  row.ratio.sd.toFixed(3),
  row.worst.toFixed(3),
  `${(100 * row.held).toFixed(0)} %`,
];
