/**
 * Two hypotheses about a source of tasks: it resembles its dimension, or it is a stranger, of which only the
 * models' overall level in the prior says something. Each score moves the odds (Bayesian model averaging).
 * source: docs/routing.md, "Strangers".
 */
export interface StrangerRecord {
  logOdds: number;
  /** Scores seen, and Σ(score − the model's overall level): how much easier than usual this source is. */
  n: number;
  shift: number;
}

/**
 * Share of sources expected to be strangers, and the pseudo-count with which a model's overall level then
 * speaks; 0.1–0.3 and 10–30 did equally well on random halves of CodeRouterBench.
 */
const SHARE = 0.2;
const WEIGHT = 20;
/** Pseudo-count of "this source is as hard as usual". */
const SHIFT_PSEUDO_COUNT = 20;
/** Bound of the log odds, so that evidence can turn. */
const MAX_LOG_ODDS = 10;

/** A source of which nothing was seen. */
export const newStrangerRecord = (): StrangerRecord => ({
  logOdds: Math.log(SHARE / (1 - SHARE)),
  n: 0,
  shift: 0,
});

/** Probability that the source is a stranger; `undefined`: nothing was seen of it. */
export function strangerChance(record: Readonly<StrangerRecord> | undefined): number {
  return record ? 1 / (1 + Math.exp(-record.logOdds)) : SHARE;
}

/** Expected score of a model there, in [0, 1], given what it scored there already (`seen`). */
export function strangerMean(
  record: Readonly<StrangerRecord> | undefined,
  overall: number,
  seen: Readonly<{ n: number; sum: number }> | undefined,
): number {
  const shift = record ? record.shift / (record.n + SHIFT_PSEUDO_COUNT) : 0;
  const mean = ((seen?.sum ?? 0) + WEIGHT * (overall + shift)) / ((seen?.n ?? 0) + WEIGHT);
  return Math.min(Math.max(mean, 0), 1);
}

/** Moves the odds by how well both hypotheses foresaw `score`; call before it is added to `seen`. */
export function judgeStranger(
  record: StrangerRecord,
  score: number,
  overall: number,
  seen: Readonly<{ n: number; sum: number }> | undefined,
  resembling: number,
): void {
  const gain = logLikelihood(score, strangerMean(record, overall, seen)) - logLikelihood(score, resembling);
  record.logOdds = Math.min(Math.max(record.logOdds + gain, -MAX_LOG_ODDS), MAX_LOG_ODDS);
  record.n += 1;
  record.shift += score - overall;
}

/** log p(score) where a success has probability `mean`; partial scores count in parts. */
function logLikelihood(score: number, mean: number): number {
  const p = Math.min(Math.max(mean, 0.02), 0.98);
  return score * Math.log(p) + (1 - score) * Math.log(1 - p);
}
