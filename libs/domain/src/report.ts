import type { Prior, Random } from './routing/policy';
import { costOf, type Price } from './task';

/**
 * What a batch of settled tasks says about routing, as pure arithmetic: the cost and score that the strongest
 * model alone would have had, and the regret against the best single model of each dimension.
 */

/** One attempt that got an answer, in the order of attempts. */
export interface ReportAttempt {
  model: string;
  /** `null`: not judged. */
  score: number | null;
  /** `null`: a call of it has no known cost. */
  costUsd: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
}

/** One settled task. */
export interface ReportTask {
  dimension: string;
  /** Score points per USD. */
  costWeight: number;
  /** Score of the task's answer; `null`: not judged. */
  score: number | null;
  /** Of all its calls; `null`: at least one has no known cost. */
  costUsd: number | null;
  attempts: readonly ReportAttempt[];
}

/** Low and high end at 95 %. */
export type Interval = [number, number];

export interface StrongestComparison {
  tasksCompared: number;
  tasksLeftOut: number;
  actualCostUsd: number;
  costUsd: number;
  costInterval: Interval;
  savingUsd: number;
  savingUsdInterval: Interval;
  /** In % of `costUsd`; `null` where the strongest model is free. */
  savingPercent: number | null;
  savingPercentInterval: Interval | null;
  costBasis: { observed: number; ownOutput: number; triedOutput: number };
  actualScore: number | null;
  score: number | null;
  scoreInterval: Interval | null;
  scoreBasis: { observed: number; dimensionMean: number; prior: number; unknown: number };
  method: string;
}

export interface StrongestOptions {
  model: string;
  price: Price;
  prior: Prior | null;
  random: Random;
  /** Bootstrap resamples, ≥ 1. Default: 1,000, fewer for more than 2,000 tasks, never under 200. */
  resamples?: number;
}

/** A mean of fewer observations is not used in place of a prior or of the task's own facts. */
export const MIN_OBSERVATIONS = 3;

const METHOD =
  'Cost: where the strongest model was called, its real cost; else the task’s input tokens at its price plus ' +
  `the mean output tokens of its own answers in the dimension (from ${MIN_OBSERVATIONS} on), or else the mean output ` +
  'tokens of the models tried on the task, scaled by how much more or less it wrote where both answered. One ' +
  'attempt per task, no prompt cache; other models’ input tokens stand in for its own. Score: its real score, else ' +
  'the mean of its first attempts in the dimension (later ones met only what others had failed), else the prior. ' +
  'Intervals: 95 %, percentile bootstrap over tasks.';

/** What one task contributes, in the form that the bootstrap runs over. NaN = not there. */
interface Row {
  dimension: string;
  actualUsd: number;
  inputTokens: number;
  /** Real cost and output of the strongest model on this task. */
  observedUsd: number;
  ownOutput: number;
  /** Mean output of the other models tried; NaN when there was none. */
  triedOutput: number;
  actualScore: number;
  /** Real score of the strongest model on this task, at whichever attempt. */
  observedScore: number;
  /** The same when it was the first attempt. */
  firstScore: number;
}

/**
 * "What if the strongest model had done everything?" on the tasks whose own cost is fully known and for which an
 * answer came. `null` when there is no such task.
 */
export function compareWithStrongest(
  tasks: readonly ReportTask[],
  options: StrongestOptions,
): StrongestComparison | null {
  const rows = tasks.flatMap((t) => toRow(t, options.model) ?? []);
  if (rows.length === 0) return null;
  const point = evaluate(rows, options);
  const resamples = options.resamples ?? Math.max(200, Math.min(1_000, Math.floor(2e6 / rows.length)));
  const draws = Array.from({ length: resamples }, () =>
    evaluate(
      rows.map(() => rows[Math.floor(options.random() * rows.length)] ?? (rows[0] as Row)),
      options,
    ),
  );
  const saving = (e: Evaluation) => e.usd - e.actualUsd;
  const percent = (e: Evaluation) => (100 * saving(e)) / e.usd;
  const scores = draws.flatMap((d) => d.score ?? []);
  return {
    tasksCompared: rows.length,
    tasksLeftOut: tasks.length - rows.length,
    actualCostUsd: point.actualUsd,
    costUsd: point.usd,
    costInterval: interval(draws.map((d) => d.usd)),
    savingUsd: saving(point),
    savingUsdInterval: interval(draws.map(saving)),
    savingPercent: point.usd > 0 ? percent(point) : null,
    savingPercentInterval: point.usd > 0 ? interval(draws.filter((d) => d.usd > 0).map(percent)) : null,
    costBasis: point.costBasis,
    actualScore: point.actualScore,
    score: point.score,
    scoreInterval: point.score === null ? null : interval(scores),
    scoreBasis: point.scoreBasis,
    method: METHOD,
  };
}

function toRow(task: ReportTask, strongest: string): Row | null {
  const input = task.attempts.find((a) => a.inputTokens !== null)?.inputTokens ?? null;
  const own = task.attempts.find(
    (a) => a.model === strongest && a.costUsd !== null && a.outputTokens !== null,
  );
  const others = task.attempts.flatMap((a) =>
    a.model !== strongest && a.outputTokens !== null ? [a.outputTokens] : [],
  );
  if (task.costUsd === null || input === null || (!own && others.length === 0)) return null;
  const judged = task.attempts.find((a) => a.model === strongest && a.score !== null);
  const first = task.attempts[0];
  return {
    dimension: task.dimension,
    actualUsd: task.costUsd,
    inputTokens: input,
    observedUsd: own?.costUsd ?? NaN,
    ownOutput: own?.outputTokens ?? NaN,
    triedOutput: mean(others) ?? NaN,
    actualScore: task.score ?? NaN,
    observedScore: judged?.score ?? NaN,
    firstScore: first?.model === strongest ? (first.score ?? NaN) : NaN,
  };
}

interface Evaluation {
  usd: number;
  actualUsd: number;
  costBasis: StrongestComparison['costBasis'];
  score: number | null;
  actualScore: number | null;
  scoreBasis: StrongestComparison['scoreBasis'];
}

function evaluate(rows: readonly Row[], options: StrongestOptions): Evaluation {
  const known = new Known(rows);
  const costBasis = { observed: 0, ownOutput: 0, triedOutput: 0 };
  const scoreBasis = { observed: 0, dimensionMean: 0, prior: 0, unknown: 0 };
  const scores: number[] = [];
  const actualScores: number[] = [];
  let usd = 0;
  let actualUsd = 0;
  for (const row of rows) {
    const cost = known.costOf(row, options.price);
    costBasis[cost.basis] += 1;
    usd += cost.usd;
    actualUsd += row.actualUsd;
    if (Number.isNaN(row.actualScore)) continue;
    const score = known.scoreOf(row, options);
    scoreBasis[score.basis] += 1;
    if (score.basis === 'unknown') continue;
    scores.push(score.value);
    actualScores.push(row.actualScore);
  }
  return { usd, actualUsd, costBasis, score: mean(scores), actualScore: mean(actualScores), scoreBasis };
}

/** What the rows show of the strongest model: its output and first scores by dimension, and its scale. */
class Known {
  private readonly outputs = new Map<string, Mean>();
  private readonly scores = new Map<string, Mean>();
  private readonly scale: number;

  constructor(rows: readonly Row[]) {
    let own = 0;
    let others = 0;
    let pairs = 0;
    for (const row of rows) {
      if (!Number.isNaN(row.firstScore)) add(this.scores, row.dimension, row.firstScore);
      if (Number.isNaN(row.ownOutput)) continue;
      add(this.outputs, row.dimension, row.ownOutput);
      if (Number.isNaN(row.triedOutput)) continue;
      own += row.ownOutput;
      others += row.triedOutput;
      pairs += 1;
    }
    this.scale = pairs >= MIN_OBSERVATIONS && others > 0 ? own / others : 1;
  }

  costOf(row: Row, price: Price): { basis: keyof StrongestComparison['costBasis']; usd: number } {
    if (!Number.isNaN(row.observedUsd)) return { basis: 'observed', usd: row.observedUsd };
    const own = enough(this.outputs.get(row.dimension));
    const outputTokens = own ?? row.triedOutput * this.scale;
    const usage = { inputTokens: row.inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 };
    return { basis: own === null ? 'triedOutput' : 'ownOutput', usd: costOf(usage, price) ?? 0 };
  }

  scoreOf(
    row: Row,
    options: StrongestOptions,
  ): { basis: keyof StrongestComparison['scoreBasis']; value: number } {
    if (!Number.isNaN(row.observedScore)) return { basis: 'observed', value: row.observedScore };
    const observed = enough(this.scores.get(row.dimension));
    if (observed !== null) return { basis: 'dimensionMean', value: observed };
    const prior = priorOf(options.prior?.score, row.dimension, options.model);
    return prior === null ? { basis: 'unknown', value: NaN } : { basis: 'prior', value: prior };
  }
}

/** Σ over tasks of (expected reward of the dimension's best single model − the task's own reward). */
export interface RegretEstimate {
  total: number;
  perTask: number;
  /** Tasks that were judged, whose cost is known, and in whose dimension some model can be rated. */
  tasks: number;
  method: string;
}

const REGRET_METHOD =
  'Per task: expected reward of the best single model of its dimension less the task’s own reward (score − ' +
  'costWeight · cost). A model’s expected score is the mean of its first attempts in the dimension (from ' +
  `${MIN_OBSERVATIONS} on), else the prior; its cost the mean of its attempts, else the prior’s. Models without either ` +
  'are left out. Negative: better than any single model could be expected to be.';

/** `null` when no task can be rated. */
export function estimateRegret(tasks: readonly ReportTask[], prior: Prior | null): RegretEstimate | null {
  const ratings = rateModels(tasks, prior);
  let total = 0;
  let rated = 0;
  for (const task of tasks) {
    const models = ratings.get(task.dimension) ?? [];
    if (task.score === null || task.costUsd === null || models.length === 0) continue;
    const best = Math.max(...models.map((m) => m.score - task.costWeight * m.costUsd));
    total += best - (task.score - task.costWeight * task.costUsd);
    rated += 1;
  }
  return rated === 0 ? null : { total, perTask: total / rated, tasks: rated, method: REGRET_METHOD };
}

/** Expected score and cost of one attempt by dimension, for the models of which both are known. */
function rateModels(
  tasks: readonly ReportTask[],
  prior: Prior | null,
): Map<string, { score: number; costUsd: number }[]> {
  const scores = new Map<string, Mean>();
  const costs = new Map<string, Mean>();
  const key = (dimension: string, model: string) => JSON.stringify([dimension, model]);
  const models = new Set<string>();
  for (const task of tasks)
    task.attempts.forEach((a, i) => {
      models.add(a.model);
      if (i === 0 && a.score !== null) add(scores, key(task.dimension, a.model), a.score);
      if (a.costUsd !== null) add(costs, key(task.dimension, a.model), a.costUsd);
    });
  const rate = (dimension: string, model: string) => {
    const score = enough(scores.get(key(dimension, model))) ?? priorOf(prior?.score, dimension, model);
    const seen = costs.get(key(dimension, model));
    const costUsd = seen ? seen.sum / seen.n : priorOf(prior?.costUsd, dimension, model);
    return score === null || costUsd === null ? [] : [{ score, costUsd }];
  };
  const dimensions = new Set(tasks.map((t) => t.dimension));
  return new Map([...dimensions].map((d) => [d, [...models].flatMap((m) => rate(d, m))]));
}

interface Mean {
  n: number;
  sum: number;
}

function add(means: Map<string, Mean>, key: string, value: number): void {
  const mean = means.get(key);
  if (mean) {
    mean.n += 1;
    mean.sum += value;
  } else means.set(key, { n: 1, sum: value });
}

const enough = (m: Mean | undefined): number | null => (m && m.n >= MIN_OBSERVATIONS ? m.sum / m.n : null);

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;

function priorOf(table: Prior['score'] | undefined, dimension: string, model: string): number | null {
  return table?.[dimension as keyof typeof table]?.[model] ?? null;
}

/** The middle 95 % of `draws`, by linear interpolation; at least one draw. */
export function interval(draws: readonly number[]): Interval {
  const sorted = [...draws].sort((a, b) => a - b);
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

/** Quantile `q` of sorted numbers, linear between neighbours; 0 of none. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.max(0, Math.floor(at))] ?? 0;
  const high = sorted[Math.min(sorted.length - 1, Math.ceil(at))] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
