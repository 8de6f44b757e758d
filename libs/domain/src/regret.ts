import { interval, MIN_OBSERVATIONS, priorOf, type Interval, type ReportTask } from './report';
import type { Prior, Random } from './routing/policy';

/** Σ over tasks of (expected reward of the dimension's best single model − the task's own reward). */
export interface RegretEstimate {
  total: number;
  perTask: number;
  /** 95 %, percentile bootstrap over tasks; the ratings of the models are made anew in every resample. */
  perTaskInterval: Interval;
  /** Tasks that were judged, whose cost is known, and in whose dimension some model can be rated. */
  tasks: number;
  method: string;
}

export interface RegretOptions {
  prior: Prior | null;
  random: Random;
  /** Bootstrap resamples, ≥ 1. Default: 1,000, fewer for more than 1,000 tasks, never under 200. */
  resamples?: number;
}

const REGRET_METHOD =
  'Per task: expected reward of the best single model of its dimension less the task’s own reward (score − ' +
  'costWeight · cost). A model’s expected score is the mean of its first attempts in the dimension (from ' +
  `${MIN_OBSERVATIONS} on), else the prior; its cost the mean of its attempts, else the prior’s. Models without either ` +
  'are left out. Negative: better than any single model could be expected to be. Interval: 95 %, percentile ' +
  'bootstrap over tasks.';

/** `null` when no task can be rated. O(resamples · attempts). */
export function estimateRegret(tasks: readonly ReportTask[], options: RegretOptions): RegretEstimate | null {
  const ratings = new Ratings(tasks, options.prior);
  const point = ratings.regret(tasks.map((_, i) => i));
  if (point.rated === 0) return null;
  const resamples = options.resamples ?? Math.max(200, Math.min(1_000, Math.floor(1e6 / tasks.length)));
  const draw = () => tasks.map(() => Math.floor(options.random() * tasks.length));
  const draws = Array.from({ length: resamples }, () => ratings.regret(draw())).filter((d) => d.rated > 0);
  return {
    total: point.total,
    perTask: point.total / point.rated,
    perTaskInterval: interval(draws.map((d) => d.total / d.rated)),
    tasks: point.rated,
    method: REGRET_METHOD,
  };
}

/** What an attempt says of its cell (dimension, model). NaN = nothing. */
interface Fact {
  cell: number;
  /** Of a first attempt: later ones met only what others had failed. */
  score: number;
  costUsd: number;
}

/** Models rated by dimension, on any resample of the tasks; a cell is dimension · models + model. */
class Ratings {
  private readonly models: string[];
  private readonly dimensions: string[];
  private readonly dimensionOf: number[];
  private readonly facts: Fact[][];
  private readonly priorScore: Float64Array;
  private readonly priorCost: Float64Array;

  constructor(
    private readonly tasks: readonly ReportTask[],
    prior: Prior | null,
  ) {
    this.models = [...new Set(tasks.flatMap((t) => t.attempts.map((a) => a.model)))];
    this.dimensions = [...new Set(tasks.map((t) => t.dimension))];
    const modelIndex = new Map(this.models.map((name, i) => [name, i]));
    const dimensionIndex = new Map(this.dimensions.map((name, i) => [name, i]));
    this.dimensionOf = tasks.map((t) => dimensionIndex.get(t.dimension) ?? 0);
    this.facts = tasks.map((task, t) =>
      task.attempts.map((a, i) => ({
        cell: (this.dimensionOf[t] ?? 0) * this.models.length + (modelIndex.get(a.model) ?? 0),
        score: i === 0 ? (a.score ?? NaN) : NaN,
        costUsd: a.costUsd ?? NaN,
      })),
    );
    const table = (values: Prior['score'] | undefined) =>
      Float64Array.from(this.dimensions.flatMap((d) => this.models.map((m) => priorOf(values, d, m) ?? NaN)));
    this.priorScore = table(prior?.score);
    this.priorCost = table(prior?.costUsd);
  }

  /** Summed regret of the tasks at `picked`, and how many of them can be rated. */
  regret(picked: readonly number[]): { total: number; rated: number } {
    const score = this.rate(picked, 'score', MIN_OBSERVATIONS, this.priorScore);
    const costUsd = this.rate(picked, 'costUsd', 1, this.priorCost);
    let total = 0;
    let rated = 0;
    for (const i of picked) {
      const task = this.tasks[i] as ReportTask;
      if (task.score === null || task.costUsd === null) continue;
      const best = this.best(this.dimensionOf[i] ?? 0, score, costUsd, task.costWeight);
      if (best === -Infinity) continue;
      total += best - (task.score - task.costWeight * task.costUsd);
      rated += 1;
    }
    return { total, rated };
  }

  /** Mean per cell from `least` observations on, else the prior's; NaN where neither is known. */
  private rate(
    picked: readonly number[],
    of: 'score' | 'costUsd',
    least: number,
    prior: Float64Array,
  ): Float64Array {
    const sums = new Float64Array(prior.length);
    const counts = new Int32Array(prior.length);
    for (const i of picked)
      for (const fact of this.facts[i] ?? []) {
        if (Number.isNaN(fact[of])) continue;
        sums[fact.cell] = (sums[fact.cell] ?? 0) + fact[of];
        counts[fact.cell] = (counts[fact.cell] ?? 0) + 1;
      }
    return sums.map((sum, cell) => {
      const n = counts[cell] ?? 0;
      return n >= least ? sum / n : (prior[cell] ?? NaN);
    });
  }

  /** Highest expected reward in a dimension; −∞ where no model can be rated. */
  private best(dimension: number, score: Float64Array, costUsd: Float64Array, costWeight: number): number {
    let best = -Infinity;
    const first = dimension * this.models.length;
    for (let cell = first; cell < first + this.models.length; cell += 1) {
      const reward = (score[cell] ?? NaN) - costWeight * (costUsd[cell] ?? NaN);
      if (reward > best) best = reward;
    }
    return best;
  }
}
