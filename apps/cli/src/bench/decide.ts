import type { DecideTiming } from '@acrouter/bench/decide-bench';
import { timeDecisions } from '@acrouter/bench/decide-bench';
import type { SearchTiming } from '@acrouter/bench/retrieval-speed';
import { timeNeighbourSearch } from '@acrouter/bench/retrieval-speed';
import type { Command } from 'commander';
import { paint, print, printJson } from '../output';
import { numberIn } from './replay';
import { textTable } from './text-table';

interface DecideFlags {
  memories: number;
  decisions: number;
  searches: number;
  policies?: string;
  json?: boolean;
}

/** `acr bench decide` */
export function registerDecide(bench: Command): void {
  bench
    .command('decide')
    .summary('time of one decision of every policy, and of the neighbour search')
    .description(
      'Times one decision of every policy, without the neighbour search, after --memories learnt attempts with\n8 models; then the search for 10 neighbours among as many memories, in turns with a bare loop of dot\nproducts over the same matrix.',
    )
    .option(
      '--memories <n>',
      'attempts learnt beforehand, and memories searched',
      numberIn('--memories', 1, 1e6, true),
      20_000,
    )
    .option('--decisions <n>', 'decisions timed', numberIn('--decisions', 100, 1e6, true), 10_000)
    .option('--searches <n>', 'neighbour searches timed', numberIn('--searches', 10, 1e6, true), 400)
    .option('--policies <names>', 'comma-separated (default: all)')
    .option('--json', 'print one line of JSON')
    .action((flags: DecideFlags) => {
      const timings = timeDecisions(
        flags.memories,
        flags.decisions,
        flags.policies?.split(',').map((name) => name.trim()),
      );
      const neighbourSearch = timeNeighbourSearch(flags.memories, flags.searches);
      if (flags.json) printJson({ memories: flags.memories, models: 8, timings, neighbourSearch });
      else print([...decisionTable(flags, timings), '', ...searchTable(neighbourSearch)].join('\n'));
    });
}

function decisionTable(flags: DecideFlags, timings: readonly DecideTiming[]): string[] {
  const rows = timings.map((t) => [
    t.default ? `${t.policy} (default)` : t.policy,
    t.p50Micros.toFixed(1),
    t.p99Micros.toFixed(1),
    t.complexity,
  ]);
  const title = `${flags.memories} memories, 8 models, 10 neighbours, ${flags.decisions} decisions each`;
  const table = textTable(['policy', 'µs p50', 'µs p99', 'complexity'], rows);
  return [title, ...table.map((line) => (line.includes(' (default)') ? paint.bold(line) : line))];
}

function searchTable(t: SearchTiming): string[] {
  const row = (name: string, micros: SearchTiming['index']) => [
    name,
    micros.p50Micros.toFixed(0),
    micros.p99Micros.toFixed(0),
  ];
  const rows = [
    row('neighbour search (index of the memory service)', t.index),
    row('bare dot-product loop over the same matrix', t.bareScan),
    ['ratio', t.ratio.toFixed(2), t.ratioP99.toFixed(2)],
  ];
  const title = `${t.memories} memories of ${t.dimensions} numbers, ${t.neighbours} neighbours, ${t.searches} searches`;
  return [title, ...textTable(['', 'µs p50', 'µs p99'], rows)];
}
