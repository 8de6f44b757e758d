import type { Coverage } from '@acrouter/bench/export-coverage';
import type { ReplayOutcome } from '@acrouter/bench/run-replay';
import { paint } from '../output';
import { textTable } from './text-table';

/** How a replay over partial data is to be read. */
export function coverageNote({ results, tasks, models, tasksWithChoice }: Coverage): string {
  const share = ((100 * results) / (tasks * models)).toFixed(1);
  return (
    `Partial data: ${results} of ${tasks * models} results (${share} %) are there; ${tasksWithChoice} of ${tasks} tasks have more than one.\n` +
    'On each task a policy is offered only the models with a result, so nothing is scored 0, and regret is against the\n' +
    'best of those. "rec%" says how often the model a policy would have tried first has a result: the lower, the less this\n' +
    'table says of it. "acr report --against POLICY" estimates from logged probabilities instead.'
  );
}

/** The rows of a replay under the benchmark's name; the default policy is bold. */
export function tableOf(outcome: ReplayOutcome): string {
  const isPartial = outcome.rows.some((row) => row.recordedShare !== undefined);
  const someCoverLess = outcome.rows.some((row) => row.coveredShare !== undefined);
  const head = [
    'policy',
    'CumReg',
    'sd',
    'AvgPerf%',
    'USD',
    'Perf/$',
    'att/task',
    'µs p50',
    'p99',
    '? cost',
    ...(isPartial ? ['rec%'] : []),
    ...(someCoverLess ? ['tasks%'] : []),
  ];
  const rows = outcome.rows.map((row) => [
    row.default ? `${row.policy} (default)` : row.policy,
    row.cumReg.mean.toFixed(1),
    row.cumReg.sd.toFixed(1),
    row.avgPerf.toFixed(2),
    row.costUsd?.toFixed(2) ?? '–',
    row.perfPerUsd?.toFixed(2) ?? '–',
    row.attemptsPerTask.toFixed(2),
    row.decisionMicros?.p50.toFixed(0) ?? '–',
    row.decisionMicros?.p99.toFixed(0) ?? '–',
    row.unknownCostAttempts.toFixed(1),
    ...(isPartial
      ? [typeof row.recordedShare === 'number' ? (100 * row.recordedShare).toFixed(1) : '–']
      : []),
    ...(someCoverLess ? [(100 * (row.coveredShare ?? 1)).toFixed(1)] : []),
  ]);
  const lines = textTable(head, rows).map((line) => (line.includes(' (default)') ? paint.bold(line) : line));
  return [outcome.benchmark.name, ...lines].join('\n');
}
