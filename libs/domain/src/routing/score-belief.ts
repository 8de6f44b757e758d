import { newWatch, watch } from './drift';
import type { DriftWatch } from './drift';
import { FirstCosts } from './first-cost';
import type { LearningExample, PolicySetup, TaskContext } from './policy';
import { overallLevels, priorMean, priorScore } from './prior';
import { judgeCost, judgeStranger, newStrangerRecord, strangerChance, strangerMean } from './stranger';
import type { StrangerRecord } from './stranger';

/** How fast evidence overrules what is believed one level up; in observations. */
export interface BeliefStrength {
  /** Weight of the published (or a user's) prior at the dimension level. */
  prior: number;
  /** Weight of the average model where no prior exists. */
  cold: number;
  /** Weight of the dimension when judging a source, and of the source when judging a finer level. */
  source: number;
  finer: number;
}

/**
 * Defaults from replays of CodeRouterBench: prior 60–300, source 20–100 and finer ≥ 10 did equally well;
 * when cold, a weight of half an observation beat 1, 3 and 0.25.
 * source: docs/routing.md, "What was measured".
 */
export const DEFAULT_STRENGTH: BeliefStrength = { prior: 120, cold: 0.5, source: 80, finer: 100 };

/** Belief about one model on one kind of task. */
export interface ScoreEstimate {
  mean: number;
  /** Variance of one attempt's score. */
  variance: number;
  /** Observations (with pseudo-counts) behind the mean; > 0. */
  weight: number;
}

interface Cell {
  n: number;
  sum: number;
}

interface Level {
  cells: Map<string, Cell>;
  /** Σ(score − mean believed one level up) over all models: how much harder this level is than its parent. */
  n: number;
  shift: number;
  /** For the spread of single scores. */
  sum: number;
  sumOfSquares: number;
  /** Used at sources only. */
  stranger: StrangerRecord;
}

const newLevel = (): Level => ({
  cells: new Map(),
  n: 0,
  shift: 0,
  sum: 0,
  sumOfSquares: 0,
  stranger: newStrangerRecord(),
});

/** Depth of the source among the levels of a context. */
const SOURCE_DEPTH = 2;

/** Pseudo-count of "this level is as hard as its parent". */
const SHIFT_PSEUDO_COUNT = 20;
/** Pseudo-count and value of the spread before anything is seen: between pass/fail (0.25) and graded scores. */
const VARIANCE_PSEUDO_COUNT = 8;
const INITIAL_VARIANCE = 0.18;

/**
 * Hierarchical posterior of scores: all tasks → dimension → source → finer (language, difficulty). The mean
 * of a level shrinks to its parent's, corrected by how much harder the level is for all models:
 * m = (Σs + k·(m_parent + shift)) / (n + k). The prior enters at the dimension level with pseudo-count
 * `strength.prior`. A source either resembles its dimension or is a stranger, where only the model's overall
 * level in the prior counts; scores and costs move the odds (Bayesian model averaging).
 * O(levels) per model and per example. source: docs/routing.md, arXiv 2606.22902 §3.3.
 */
export class ScoreBelief {
  private readonly levels = new Map<string, Level>();
  private readonly watches = new Map<string, DriftWatch>();
  private readonly drifted = new Set<string>();
  private readonly overall: Map<string, number>;
  private readonly firstCosts: FirstCosts;

  constructor(
    private readonly setup: PolicySetup,
    private readonly strength: BeliefStrength = DEFAULT_STRENGTH,
  ) {
    this.overall = overallLevels(setup.prior);
    this.firstCosts = new FirstCosts(setup);
  }

  /** What `model` is believed to score on a task of this context. */
  estimate(context: TaskContext, model: string): ScoreEstimate {
    const keys = levelKeys(context);
    return this.descend(keys, context, model, keys.length);
  }

  /** `estimate` for several models. */
  estimates(context: TaskContext, models: readonly string[]): ScoreEstimate[] {
    const keys = levelKeys(context);
    return models.map((model) => this.descend(keys, context, model, keys.length));
  }

  /** Whether this model was seen to change in this dimension: the prior no longer speaks of it. */
  hasDrifted(context: TaskContext, model: string): boolean {
    return this.drifted.has(watchKey(context, model));
  }

  /** Probability that this context's source has little to do with its dimension; 0 without source or prior. */
  strangerShare(context: TaskContext): number {
    if (context.source === null || this.overall.size === 0) return 0;
    const level = this.levels.get(levelKeys(context)[SOURCE_DEPTH] as string);
    return strangerChance(level?.stranger);
  }

  /** Folds one verified score in; scores outside [0, 1] are clipped, not-finite ones ignored. */
  learn(example: LearningExample): void {
    if (!Number.isFinite(example.score)) return;
    const score = Math.min(Math.max(example.score, 0), 1);
    const { context, model } = example;
    const keys = levelKeys(context);
    const known = this.prior(context, model);
    const before = this.descend(keys, context, model, keys.length);
    const parents = keys.map((_, depth) =>
      depth === 1 && known !== null ? known : this.descend(keys, context, model, depth).mean,
    );
    const resembling = this.descend(keys, context, model, Math.min(keys.length, SOURCE_DEPTH + 1), 0).mean;
    keys.forEach((key, depth) => {
      const level = this.levels.get(key) ?? newLevel();
      this.levels.set(key, level);
      if (depth === SOURCE_DEPTH) this.judge(level, example, score, resembling);
      const cell = level.cells.get(model) ?? { n: 0, sum: 0 };
      level.cells.set(model, cell);
      cell.n += 1;
      cell.sum += score;
      level.n += 1;
      level.shift += score - (parents[depth] ?? 0);
      level.sum += score;
      level.sumOfSquares += score * score;
    });
    if (this.setup.driftRule !== false) this.watchFor(context, model, score, before);
  }

  /** Moves the odds of "stranger" by how well both hypotheses foresaw this score, and what it cost. */
  private judge(
    level: Level,
    { context, model, costUsd }: LearningExample,
    score: number,
    resembling: number,
  ): void {
    const guess = this.firstCosts.of(context, model);
    if (guess !== null && guess > 0 && costUsd !== null && costUsd > 0)
      judgeCost(level.stranger, costUsd, guess);
    const overall = this.overallLevel(context, model);
    if (overall === null) return;
    judgeStranger(level.stranger, score, overall, level.cells.get(model), resembling);
  }

  private overallLevel(context: TaskContext, model: string): number | null {
    return this.hasDrifted(context, model) ? null : (this.overall.get(model) ?? null);
  }

  private prior(context: TaskContext, model: string): number | null {
    return this.hasDrifted(context, model) ? null : priorScore(this.setup.prior, context.dimension, model);
  }

  /** After a detected change only what was seen since then counts, at every level of the dimension. */
  private watchFor(context: TaskContext, model: string, score: number, before: ScoreEstimate): void {
    const key = watchKey(context, model);
    const state = this.watches.get(key) ?? newWatch();
    this.watches.set(key, state);
    const since = watch(state, score, before.mean, Math.sqrt(before.variance));
    if (!since) return;
    this.drifted.add(key);
    const dimension = `d:${context.dimension}`;
    for (const [name, level] of this.levels) {
      if (name === dimension) level.cells.set(model, { n: since.count, sum: since.sum });
      else if (name.includes(`s:${context.dimension}:`)) level.cells.delete(model);
    }
  }

  /** Estimate after the first `depth` levels of the context; `strangers`: probability of that instead of the odds. */
  private descend(
    keys: readonly string[],
    context: TaskContext,
    model: string,
    depth: number,
    strangers?: number,
  ): ScoreEstimate {
    const known = this.prior(context, model);
    let mean = priorMean(this.setup.prior, context.dimension);
    let variance = INITIAL_VARIANCE;
    let weight = this.strength.cold;
    for (let i = 0; i < depth; i += 1) {
      const level = this.levels.get(keys[i] as string);
      const isPrior = i === 1 && known !== null;
      const k = this.pseudoCount(i, isPrior);
      const cell = level?.cells.get(model);
      const n = cell?.n ?? 0;
      const shift = level ? level.shift / (level.n + SHIFT_PSEUDO_COUNT) : 0;
      mean = ((cell?.sum ?? 0) + k * ((isPrior ? known : mean) + shift)) / (n + k);
      if (level) variance = pooledVariance(level, variance);
      weight = n + (isPrior ? k : Math.min(k, weight));
      const overall = i === SOURCE_DEPTH ? this.overallLevel(context, model) : null;
      if (overall === null) continue;
      const share = strangers ?? strangerChance(level?.stranger);
      mean += share * (strangerMean(level?.stranger, overall, cell) - mean);
    }
    return { mean: Math.min(Math.max(mean, 0), 1), variance, weight };
  }

  private pseudoCount(depth: number, isPrior: boolean): number {
    if (depth <= 1) return isPrior ? this.strength.prior : this.strength.cold;
    return depth === 2 ? this.strength.source : this.strength.finer;
  }
}

function pooledVariance(level: Level, parent: number): number {
  const mean = level.sum / level.n;
  const spread = Math.max(level.sumOfSquares / level.n - mean * mean, 0);
  return (level.n * spread + VARIANCE_PSEUDO_COUNT * parent) / (level.n + VARIANCE_PSEUDO_COUNT);
}

const watchKey = (context: TaskContext, model: string) => `${context.dimension} ${model}`;

/** Keys of the levels a context belongs to, from coarse to fine. */
export function levelKeys(context: TaskContext): string[] {
  const keys = ['all', `d:${context.dimension}`];
  if (context.source !== null) {
    const source = `s:${context.dimension}:${context.source}`;
    keys.push(source, `f:${source}:${context.language}:${context.difficulty ?? ''}`);
  }
  return keys;
}
