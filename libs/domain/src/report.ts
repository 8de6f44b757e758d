import type { Prior, Random } from './routing/policy';
import type { Price } from './task';

/**
 * What a batch of settled tasks says about routing, as pure arithmetic: the cost and score that the strongest
 * model alone would have had. Regret is in regret.ts.
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
  /** Bootstrap resamples, ≥ 1. Default: 1,000, fewer for more than 1,000 tasks, never under 200. */
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

/**
 * "What if the strongest model had done everything?" on the tasks whose own cost is fully known and for which an
 * answer came. `null` when there is no such task.
 */
export function compareWithStrongest(
  tasks: readonly ReportTask[],
  options: StrongestOptions,
): StrongestComparison | null {
  const rows = tasks.flatMap((t) => toRow(t, options) ?? []);
  if (rows.length === 0) return null;
  const sample = new Sample(rows, options.price);
  const point = sample.evaluate(rows.map((_, i) => i));
  const resamples = options.resamples ?? Math.max(200, Math.min(1_000, Math.floor(1e6 / rows.length)));
  const draw = () => rows.map(() => Math.floor(options.random() * rows.length));
  const draws = Array.from({ length: resamples }, () => sample.evaluate(draw()));
  const saving = (e: Evaluation) => e.usd - e.actualUsd;
  const percent = (e: Evaluation) => (100 * saving(e)) / e.usd;
  const scores = draws.flatMap((d) => (Number.isNaN(d.score) ? [] : [d.score]));
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
    actualScore: numberOrNull(point.actualScore),
    score: numberOrNull(point.score),
    scoreInterval: Number.isNaN(point.score) || scores.length === 0 ? null : interval(scores),
    scoreBasis: point.scoreBasis,
    method: METHOD,
  };
}

/** What one task contributes, in the form that the bootstrap runs over. NaN = not there. */
interface Row {
  dimension: string;
  actualUsd: number;
  inputTokens: number;
  /** Real cost and output of the strongest model on this task. */
  observedUsd: number;
  ownOutput: number;
  /** Mean output of the other models tried. */
  triedOutput: number;
  actualScore: number;
  /** Real score of the strongest model on this task, at whichever attempt. */
  observedScore: number;
  /** The same when it was the first attempt. */
  firstScore: number;
  priorScore: number;
}

function toRow(task: ReportTask, { model, prior }: StrongestOptions): Row | null {
  const input = task.attempts.find((a) => a.inputTokens !== null)?.inputTokens ?? null;
  const own = task.attempts.find((a) => a.model === model && a.costUsd !== null && a.outputTokens !== null);
  const others = task.attempts.flatMap((a) =>
    a.model !== model && a.outputTokens !== null ? [a.outputTokens] : [],
  );
  if (task.costUsd === null || input === null || (!own && others.length === 0)) return null;
  const judged = task.attempts.find((a) => a.model === model && a.score !== null);
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
    firstScore: first?.model === model ? (first.score ?? NaN) : NaN,
    priorScore: priorOf(prior?.score, task.dimension, model) ?? NaN,
  };
}

interface Evaluation {
  usd: number;
  actualUsd: number;
  costBasis: StrongestComparison['costBasis'];
  /** NaN where no task's score can be said. */
  score: number;
  actualScore: number;
  scoreBasis: StrongestComparison['scoreBasis'];
}

/** The rows of a batch, to be evaluated many times over; nothing is allocated per row. */
class Sample {
  private readonly dimensionOf: readonly number[];
  private readonly dimensions: number;

  constructor(
    private readonly rows: readonly Row[],
    private readonly price: Price,
  ) {
    const names = [...new Set(rows.map((r) => r.dimension))];
    const index = new Map(names.map((name, i) => [name, i]));
    this.dimensionOf = rows.map((r) => index.get(r.dimension) ?? 0);
    this.dimensions = names.length;
  }

  /** Totals over the rows at `picked`; what is known of the strongest model is learnt from these rows alone. */
  evaluate(picked: readonly number[]): Evaluation {
    const outputs = this.means(picked, 'ownOutput');
    const firstScores = this.means(picked, 'firstScore');
    const scale = this.scale(picked);
    const e = emptyEvaluation();
    let judged = 0;
    for (const i of picked) {
      const row = this.rows[i] as Row;
      const dimension = this.dimensionOf[i] ?? 0;
      e.actualUsd += row.actualUsd;
      e.usd += this.cost(row, outputs[dimension] ?? NaN, scale, e.costBasis);
      if (Number.isNaN(row.actualScore)) continue;
      const score = scoreOf(row, firstScores[dimension] ?? NaN, e.scoreBasis);
      if (Number.isNaN(score)) continue;
      e.score += score;
      e.actualScore += row.actualScore;
      judged += 1;
    }
    return { ...e, score: e.score / judged, actualScore: e.actualScore / judged };
  }

  private cost(row: Row, ownMean: number, scale: number, basis: Evaluation['costBasis']): number {
    if (!Number.isNaN(row.observedUsd)) {
      basis.observed += 1;
      return row.observedUsd;
    }
    const isOwn = !Number.isNaN(ownMean);
    basis[isOwn ? 'ownOutput' : 'triedOutput'] += 1;
    const outputTokens = isOwn ? ownMean : row.triedOutput * scale;
    return (row.inputTokens * this.price.inputPerMillion + outputTokens * this.price.outputPerMillion) / 1e6;
  }

  /** Mean by dimension; NaN below the least number of observations. */
  private means(picked: readonly number[], column: 'ownOutput' | 'firstScore'): Float64Array {
    const sums = new Float64Array(this.dimensions);
    const counts = new Int32Array(this.dimensions);
    for (const i of picked) {
      const value = (this.rows[i] as Row)[column];
      if (Number.isNaN(value)) continue;
      const d = this.dimensionOf[i] ?? 0;
      sums[d] = (sums[d] ?? 0) + value;
      counts[d] = (counts[d] ?? 0) + 1;
    }
    return sums.map((sum, d) => ((counts[d] ?? 0) >= MIN_OBSERVATIONS ? sum / (counts[d] ?? 1) : NaN));
  }

  /** How much more the strongest model writes than others on the same tasks; 1 where too few show it. */
  private scale(picked: readonly number[]): number {
    let own = 0;
    let others = 0;
    let pairs = 0;
    for (const i of picked) {
      const row = this.rows[i] as Row;
      if (Number.isNaN(row.ownOutput) || Number.isNaN(row.triedOutput)) continue;
      own += row.ownOutput;
      others += row.triedOutput;
      pairs += 1;
    }
    return pairs >= MIN_OBSERVATIONS && others > 0 ? own / others : 1;
  }
}

const emptyEvaluation = (): Evaluation => ({
  usd: 0,
  actualUsd: 0,
  costBasis: { observed: 0, ownOutput: 0, triedOutput: 0 },
  score: 0,
  actualScore: 0,
  scoreBasis: { observed: 0, dimensionMean: 0, prior: 0, unknown: 0 },
});

function scoreOf(row: Row, dimensionMean: number, basis: Evaluation['scoreBasis']): number {
  if (!Number.isNaN(row.observedScore)) {
    basis.observed += 1;
    return row.observedScore;
  }
  if (!Number.isNaN(dimensionMean)) {
    basis.dimensionMean += 1;
    return dimensionMean;
  }
  basis[Number.isNaN(row.priorScore) ? 'unknown' : 'prior'] += 1;
  return row.priorScore;
}

const numberOrNull = (n: number): number | null => (Number.isNaN(n) ? null : n);

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;

/** Entry of a prior's table; `null` where it says nothing. */
export function priorOf(table: Prior['score'] | undefined, dimension: string, model: string): number | null {
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
