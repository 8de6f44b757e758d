import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import type { BenchSource } from './bench-source';
import { setupOf } from './bench-source';
import { paretoPlot } from './pareto-plot';
import { regretPlot, sharePlot } from './plots';
import { prepare } from './replay';
import type { ReplayedTask, ReplayOptions } from './replay';
import type { ReplayRow } from './rows';
import type { ReplayOutcome } from './run-replay';
import { runRecorded, runStream } from './stream';

const HEADER = [
  'policy',
  'default',
  'prior',
  'maxAttempts',
  'costWeight',
  'verifierNoise',
  'cumRegMean',
  'cumRegSd',
  'avgPerf',
  'costUsd',
  'perfPerUsd',
  'attemptsPerTask',
  'decisionP50Micros',
  'decisionP99Micros',
  'unknownCostAttempts',
  'tasks',
  'coveredShare',
  'orders',
];

/** A replay's table as CSV. */
export function toCsv(rows: readonly ReplayRow[]): string {
  const lines = rows.map((r) =>
    [
      r.policy,
      r.default,
      r.prior,
      r.maxAttempts,
      r.costWeight,
      r.verifierNoise,
      r.cumReg.mean,
      r.cumReg.sd,
      r.avgPerf,
      r.costUsd ?? '',
      r.perfPerUsd ?? '',
      r.attemptsPerTask,
      r.decisionMicros?.p50 ?? '',
      r.decisionMicros?.p99 ?? '',
      r.unknownCostAttempts,
      r.tasks,
      r.coveredShare ?? 1,
      r.orders,
    ]
      .map((value) => csvField(String(value)))
      .join(','),
  );
  return `${[HEADER.join(','), ...lines].join('\n')}\n`;
}

const csvField = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A replay's table as Markdown; the default policy is bold. */
export function toMarkdown(outcome: ReplayOutcome): string {
  const bold = (row: ReplayRow, text: string) => (row.default ? `**${text}**` : text);
  const lines = outcome.rows.map(
    (r) =>
      `| ${bold(r, r.policy)} | ${bold(r, r.cumReg.mean.toFixed(1))} (${r.cumReg.sd.toFixed(1)}) | ${r.avgPerf.toFixed(2)} | ${r.costUsd?.toFixed(2) ?? '–'} | ${r.perfPerUsd?.toFixed(2) ?? '–'} | ${r.attemptsPerTask.toFixed(2)} | ${r.decisionMicros ? `${r.decisionMicros.p50.toFixed(0)} / ${r.decisionMicros.p99.toFixed(0)}` : '–'} |`,
  );
  return [
    '| policy | CumReg (sd) | AvgPerf % | USD | Perf/$ | attempts/task | decision µs p50 / p99 |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

/**
 * Writes `table.csv`, `table.md`, `rows.json`, `decisions/<policy>.jsonl` (order 1) and `regret`, `pareto`,
 * `share` as SVG and PNG into `directory`. Returns the paths written.
 */
export function writeOutputs(
  outcome: ReplayOutcome,
  source: BenchSource,
  options: ReplayOptions,
  directory: string,
): string[] {
  mkdirSync(join(directory, 'decisions'), { recursive: true });
  const written: string[] = [];
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(directory, name), content);
    written.push(join(directory, name));
  };
  write('table.csv', toCsv(outcome.rows));
  write('table.md', toMarkdown(outcome));
  write('rows.json', `${JSON.stringify({ rows: outcome.rows })}\n`);
  for (const [name, svg] of plotsOf(outcome)) {
    write(`${name}.svg`, svg);
    write(`${name}.png`, toPng(svg));
  }
  writeDecisions(outcome, source, options, write);
  return written;
}

function plotsOf(outcome: ReplayOutcome): [string, string][] {
  const { benchmark, rows, streams } = outcome;
  const plots: [string, string][] = [
    ['regret', regretPlot(benchmark, rows, streams)],
    ['pareto', paretoPlot(benchmark, rows)],
  ];
  const row = rows.find((r) => r.default) ?? rows[0];
  if (row) plots.push(['share', sharePlot(benchmark, row, streams.get(row.policy) ?? [])]);
  return plots;
}

/** A picture at twice its nominal size. */
export function toPng(svg: string): Uint8Array {
  const options = { fitTo: { mode: 'zoom' as const, value: 2 }, font: { loadSystemFonts: true } };
  return new Resvg(svg, options).render().asPng();
}

function writeDecisions(
  outcome: ReplayOutcome,
  source: BenchSource,
  options: ReplayOptions,
  write: (name: string, content: string) => void,
): void {
  const { benchmark } = outcome;
  const prepared = prepare(benchmark, options.unknownCost);
  const setup = setupOf(source, benchmark);
  for (const { policy } of outcome.rows) {
    const isRecorded = benchmark.recorded.some((r) => r.name === policy);
    const { tasks } = isRecorded
      ? runRecorded(prepared, policy, options)
      : runStream(prepared, setup, { policy, order: 1, options });
    const lines = tasks.map((task) => decisionLine(outcome, task));
    write(`decisions/${policy.replace(/[^\w.-]/g, '_')}.jsonl`, `${lines.join('\n')}\n`);
  }
}

function decisionLine({ benchmark }: ReplayOutcome, task: ReplayedTask): string {
  return JSON.stringify({
    task_id: benchmark.tasks[task.task]?.id,
    chain_run: task.attempts.map((a) => benchmark.models[a.model]?.id),
    scores: task.attempts.map((a) => a.score),
    costUsd: task.attempts.map((a) => a.costUsd),
    probabilities: task.attempts.map((a) => a.probability),
    score: task.score,
    regret: task.regret,
  });
}
