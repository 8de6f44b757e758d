/** Counts of a group's observed scores; starts as one failure and one success. */
export interface ScoreShape {
  seen: number;
  sum: number;
  zeros: number;
  ones: number;
  sumOfSquaresAboveZero: number;
}

/** A shape before anything was seen. */
export const newShape = (): ScoreShape => ({ seen: 2, sum: 1, zeros: 1, ones: 1, sumOfSquaresAboveZero: 1 });

/** Known noise at or above this is taken for this: a coin says nothing, and (1 − 2q) must not vanish. */
const MOST_NOISE = 0.45;

const isSolved = (score: number) => score > 0.999;
const isFailed = (score: number) => score < 0.001;
const unit = (x: number) => Math.min(Math.max(x, 0), 1);

/**
 * Counts one observed score. With flipped verdicts (share `noise`; pass becomes fail, anything else becomes
 * pass) a pass is counted in parts: as the success, the failure and the partial score that it may have been,
 * by Bayes' rule from what was counted so far. O(1).
 */
export function note(shape: ScoreShape, observed: number, noise: number): void {
  const score = unit(observed);
  const add = (share: number, level: number) => {
    shape.seen += share;
    shape.sum += share * level;
    shape.sumOfSquaresAboveZero += share * level * level;
    if (isFailed(level)) shape.zeros += share;
    if (isSolved(level)) shape.ones += share;
  };
  if (!(noise > 0) || (!isSolved(score) && !isFailed(score))) return add(1, score);
  const is = origins(shape, score, Math.min(noise, MOST_NOISE));
  add(is.solved, 1);
  add(is.failed, 0);
  if (is.partial > 0) add(is.partial, partialLevel(shape));
}

/** What a verdict of exactly 0 or 1 may have been before it was (perhaps) flipped. */
function origins(shape: Readonly<ScoreShape>, score: number, q: number) {
  const passed = isSolved(score);
  const partials = Math.max(shape.seen - shape.zeros - shape.ones, 0);
  const solved = shape.ones * (passed ? 1 - q : q);
  const failed = shape.zeros * (passed ? q : 1 - q);
  const partial = passed ? partials * q : 0;
  const total = Math.max(solved + failed + partial, 1e-12);
  return { solved: solved / total, failed: failed / total, partial: partial / total };
}

/** Mean of the scores strictly between 0 and 1; 0.5 before any. */
function partialLevel(shape: Readonly<ScoreShape>): number {
  const partials = shape.seen - shape.zeros - shape.ones;
  return partials > 1e-6 ? unit((shape.sum - shape.ones) / partials) : 0.5;
}

/**
 * What a verdict says of the true score when a share `noise` of the verdicts is flipped: the unbiased value
 * (y − q)/(1 − 2q) and its variance q(1 − q)/(1 − 2q)². A partial score was not flipped, so it is exact. A
 * pass that was a partial score says nothing: its variance grows by the chance of that.
 */
export function measurement(
  score: number,
  noise: number,
  shape: Readonly<ScoreShape>,
): { value: number; variance: number } {
  const clipped = unit(score);
  if (!(noise > 0) || (clipped > 0 && clipped < 1)) return { value: clipped, variance: 1e-4 };
  const q = Math.min(noise, MOST_NOISE);
  const telling = Math.max(1 - origins(shape, clipped, q).partial, 1e-3);
  return { value: (clipped - q) / (1 - 2 * q), variance: (q * (1 - q)) / (1 - 2 * q) ** 2 / telling };
}
