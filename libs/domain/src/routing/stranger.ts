/**
 * Two hypotheses about a source of tasks: it resembles its dimension, or it is a stranger, of which only the
 * models' overall level in the prior says something. Each score moves the odds (Bayesian model averaging), and so does
 * what its attempts cost: where they cost sixty times the usual, the tasks are not the usual ones.
 * source: docs/routing.md, "Strangers".
 */
export interface StrangerRecord {
  logOdds: number;
  /** Scores seen, and Σ(score − the model's overall level): how much easier than usual this source is. */
  n: number;
  shift: number;
  /** Attempts of known cost, and Σ ln(cost ÷ what such an attempt was expected to cost before anything was seen). */
  costs: number;
  surprise: number;
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

/**
 * Standard deviations of ln(cost ÷ first guess): between sources that resemble their dimension, between strangers,
 * and between the attempts of one source. A factor of e is ordinary; one of sixty says that these are other tasks.
 */
const COST_SPREAD = { resembling: 1, stranger: 4, attempt: 1.2 };

/** A source of which nothing was seen. */
export const newStrangerRecord = (): StrangerRecord => ({
  logOdds: Math.log(SHARE / (1 - SHARE)),
  n: 0,
  shift: 0,
  costs: 0,
  surprise: 0,
});

/** Probability that the source is a stranger; `undefined`: nothing was seen of it. */
export function strangerChance(record: Readonly<StrangerRecord> | undefined): number {
  return record ? 1 / (1 + Math.exp(-record.logOdds - costEvidence(record))) : SHARE;
}

/** Log odds of "stranger" from costs alone. What a source costs is one fact, however many attempts tell it. */
function costEvidence({ costs, surprise }: Readonly<StrangerRecord>): number {
  if (costs === 0) return 0;
  const noise = COST_SPREAD.attempt ** 2 / costs;
  const logDensity = (spread: number) => {
    const variance = spread ** 2 + noise;
    return -0.5 * ((surprise / costs) ** 2 / variance + Math.log(variance));
  };
  return Math.min(logDensity(COST_SPREAD.stranger) - logDensity(COST_SPREAD.resembling), MAX_LOG_ODDS);
}

/** Folds in what an attempt cost against its first guess, both in USD and above 0. */
export function judgeCost(record: StrangerRecord, usd: number, guess: number): void {
  record.costs += 1;
  record.surprise += Math.log(usd / guess);
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
