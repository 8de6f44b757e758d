import { measurement } from './verdict';
import type { ScoreShape } from './verdict';
import type { Gaussian } from './matrix';
import { condition, normalCdf, normalDensity } from './matrix';

/** What the planner knows of one task. Model numbers index `forecast`. */
export interface PlanInput {
  forecast: Gaussian;
  shape: Readonly<ScoreShape>;
  /** Models that may still be tried. */
  free: readonly number[];
  /** Score points that an attempt with each model costs, by model number. */
  charge: Float64Array;
  /** Whether this task has an answer already. */
  tried: boolean;
  /** Best observed score so far. */
  best: number;
  /** Expected true score of the answer that has it; equals `best` when the verifier is exact. */
  answer: number;
  /** Share of flipped verdicts, in [0, 0.5). */
  noise: number;
  attemptsLeft: number;
}

/** Value of trying `model` next and going on well, in score points net of charges. */
export interface PlannedStep {
  model: number;
  value: number;
  /** `value` without the charge of this attempt itself. */
  scoreValue: number;
}

/** Deeper look-ahead changes the first step rarely and costs M times more per level. */
const MAX_DEPTH = 2;
/** Future gains count a little less than this step's, so that equal sets are tried best first. */
const PATIENCE = 0.9;

/** A score as "0, or about `level` ± `deviation`". */
export interface Outcome {
  positive: number;
  level: number;
  deviation: number;
  /** Probability of a full success. */
  solved: number;
}

/**
 * Splits a model's expected score into the chance of any credit and the credit then given, as the group's
 * scores are spread: pass/fail groups yield (mean, 1), graded ones (1, mean), and mixtures in between.
 */
export function outcomeOf(mean: number, variance: number, shape: Readonly<ScoreShape>): Outcome {
  const m = Math.min(Math.max(mean, 0.001), 0.999);
  const groupMean = Math.min(shape.sum / shape.seen, 0.99);
  const zeroShare = shape.zeros / shape.seen;
  const positive = Math.min(Math.max(1 - (zeroShare * (1 - m)) / (1 - groupMean), 0.02), 1);
  const level = Math.min(m / positive, 1);
  const above = shape.seen - shape.zeros;
  const meanAbove = shape.sum / above;
  const spread = Math.max(shape.sumOfSquaresAboveZero / above - meanAbove * meanAbove, 0);
  return {
    positive: m / level,
    level,
    deviation: Math.sqrt(Math.min(spread, Math.max(variance, 0))),
    solved: (m / level) * (shape.ones / above),
  };
}

/** E[max(x − best, 0)] of a score. */
export function expectedImprovement(outcome: Outcome, best: number): number {
  const { positive, level, deviation } = outcome;
  if (deviation < 1e-3) return positive * Math.max(level - best, 0);
  const z = (level - best) / deviation;
  const gain = (level - best) * normalCdf(z) + deviation * normalDensity(z);
  return positive * Math.min(Math.max(gain, 0), 1 - best);
}

/**
 * Expected change of the answer's true score when its verdict may be wrong: the new answer replaces the old
 * one when its verdict says so, rightly or not.
 */
function noisyGain({ tried, best, answer, noise }: PlanInput, outcome: Outcome): number {
  const { positive, level, solved } = outcome;
  if (!tried) return positive * level;
  const partial = positive - solved;
  const wronglyAccepted = (1 - positive) * -answer + partial * (level - answer);
  return (1 - noise) * expectedImprovement(outcome, Math.max(best, answer)) + noise * wronglyAccepted;
}

/**
 * Values of all possible next steps by looking two attempts ahead: each branch conditions the joint
 * forecast on how the attempt came out, so that a failure lowers the hopes of the models that fail with it.
 * Stopping is worth 0. O(M²·M²).
 */
export function planSteps(input: PlanInput): PlannedStep[] {
  return steps(input, Math.min(input.attemptsLeft, MAX_DEPTH));
}

function steps(input: PlanInput, depth: number): PlannedStep[] {
  const { forecast, free, charge, best, shape } = input;
  const { n, mean, covariance } = forecast;
  return free.map((model) => {
    const outcome = outcomeOf(mean[model] as number, covariance[model * n + model] as number, shape);
    const gain = input.noise > 0 ? noisyGain(input, outcome) : expectedImprovement(outcome, best);
    const later = depth > 1 && free.length > 1 ? PATIENCE * continuation(input, model, outcome, depth) : 0;
    const scoreValue = gain + later;
    return { model, value: scoreValue - (charge[model] as number), scoreValue };
  });
}

/** Expected value of going on after `model` did not solve the task. */
function continuation(input: PlanInput, model: number, outcome: Outcome, depth: number): number {
  const { noise } = input;
  const failed = (1 - noise) * (1 - outcome.positive) + noise * outcome.solved;
  const partial = (1 - noise) * (outcome.positive - outcome.solved);
  let value = 0;
  if (failed > 0.01) value += failed * bestAfter(input, model, 0, depth);
  if (partial > 0.01) value += partial * bestAfter(input, model, outcome.level, depth);
  return value;
}

function bestAfter(input: PlanInput, model: number, score: number, depth: number): number {
  const seen = measurement(score, input.noise, input.shape);
  const forecast = condition(input.forecast, model, seen.value, seen.variance);
  const replaces = score > input.best || !input.tried;
  const answer = input.noise > 0 ? Math.max(forecast.mean[model] as number, 0) : score;
  const next: PlanInput = {
    ...input,
    forecast,
    free: input.free.filter((other) => other !== model),
    tried: true,
    best: Math.max(input.best, score),
    answer: replaces ? answer : input.answer,
    attemptsLeft: input.attemptsLeft - 1,
  };
  return steps(next, depth - 1).reduce((max, step) => Math.max(max, step.value), 0);
}
