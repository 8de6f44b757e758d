/** One logged decision, and what another policy would have done in the same place. */
export interface LoggedDecision {
  /** Score, cost or reward that followed. */
  outcome: number;
  /** Probability with which the logged model was drawn, > 0. */
  probability: number;
  /** Probability with which the other policy would have drawn the same model. */
  otherProbability: number;
  /** Predicted outcome of the logged model, made before the outcome was known. */
  predicted: number;
  /** Predicted outcome of the other policy: Σ over models of its probability · prediction. */
  otherPredicted: number;
  /** Expected squared weight: Σ over the models that could be drawn of otherProbability² / probability. */
  squaredWeight: number;
  /** Share of the other policy's choice that the log could have drawn at all, in [0, 1]. */
  support: number;
}

/** A mean with its 95 % confidence interval. */
export interface Estimate {
  mean: number;
  /** `null`: too little is known for an interval that holds. */
  low: number | null;
  high: number | null;
}

/** Estimates of the mean outcome under the other policy. */
export interface OffPolicyEstimates {
  /** Inverse propensity scoring: unbiased, noisy. source: Horvitz & Thompson 1952. */
  ips: Estimate;
  /** Self-normalised: slightly biased, steadier. source: Swaminathan & Joachims 2015. */
  snips: Estimate;
  /** Doubly robust: right when either the probabilities or the predictions are. source: Dudík et al. 2011. */
  doublyRobust: Estimate;
  /** The doubly robust estimate less what was logged, decision by decision. */
  difference: Estimate;
  /** Mean outcome that was logged. */
  actual: Estimate;
  /** Decisions behind the estimates. */
  samples: number;
  /** Decisions left out since the log could not have drawn what the other policy wants; estimates say nothing of them. */
  unsupported: number;
  /**
   * As many decisions of the other policy itself would tell as much: n² / Σ squaredWeight. By expectation, not by
   * what was drawn: a log in which rare draws are missing by chance looks surer than it is.
   */
  effectiveSamples: number;
}

/** Effective samples under which no interval is given: below, they held the truth in as few as a third of the logs. */
export const MIN_EFFECTIVE_SAMPLES = 10;
/**
 * The same for costs, whose tails are long: a few dear calls carry the mean. On CodeRouterBench, with 20 effective
 * samples, intervals of some models' costs held the truth in 87 to 90 % of the logs.
 */
export const MIN_EFFECTIVE_SAMPLES_OF_COSTS = 25;
/** Effective samples from which on an estimate may be relied upon. */
export const ENOUGH_EFFECTIVE_SAMPLES = 30;

/** What an outcome can be, and how much it takes to say where its mean lies. */
export interface OutcomeRange {
  low: number;
  high: number;
  /** Default `MIN_EFFECTIVE_SAMPLES`. */
  minEffectiveSamples?: number;
}

const Z = 1.959964;
const NOTHING: Estimate = { mean: 0, low: null, high: null };
const FULL_SUPPORT = 0.999;

/**
 * What another policy would have earned on the logged traffic. Lines with probability ≤ 0 or without a finite
 * outcome are left out, and so are those that the other policy has no support on. O(n).
 *
 * Intervals: weights are skewed, and a normal interval then misses too often on the far side (88 % instead of 95 %
 * on CodeRouterBench with exploration 0.1). IPS takes Hall's transformation, which removes the skewness; the others
 * the hull of it and of Student's interval, with effectiveSamples − 1 degrees of freedom, since their terms hide
 * how few decisions carry them. `acr bench off-policy` prints how often they hold.
 * source: Hall, On the Removal of Skewness by Transformation, JRSS B 54 (1992), eq. 3.2.
 * @param range bounds of an outcome, to which intervals are cut
 */
export function estimateOffPolicy(
  log: readonly LoggedDecision[],
  range: OutcomeRange = { low: -Infinity, high: Infinity },
): OffPolicyEstimates {
  const sound = log.filter((d) => d.probability > 0 && Number.isFinite(d.outcome));
  const usable = sound.filter((d) => d.support >= FULL_SUPPORT);
  const n = usable.length;
  const unsupported = sound.length - n;
  const none = { ips: NOTHING, snips: NOTHING, doublyRobust: NOTHING, difference: NOTHING, actual: NOTHING };
  if (n === 0) return { ...none, samples: 0, unsupported, effectiveSamples: 0 };
  const effectiveSamples = (n * n) / usable.reduce((sum, d) => sum + d.squaredWeight, 0);
  const hasInterval = effectiveSamples >= (range.minEffectiveSamples ?? MIN_EFFECTIVE_SAMPLES);
  const terms = termsOf(usable);
  const t = studentQuantile(effectiveSamples - 1);
  const cut = (values: readonly number[], interval: Interval, mean = meanOf(values)): Estimate =>
    !hasInterval
      ? { mean, low: null, high: null }
      : { mean, low: Math.max(interval[0], range.low), high: Math.min(interval[1], range.high) };
  const both = (values: readonly number[]) => hull(symmetric(values, t), unskewed(values, t));
  const gains = terms.doublyRobust.map((value, i) => value - (usable[i] as LoggedDecision).outcome);
  const difference = both(gains);
  const [low, high] = symmetric(terms.outcomes, Z);
  return {
    ips: cut(terms.ips, unskewed(terms.ips, Z)),
    snips: cut(terms.snips, both(terms.snips), terms.snipsMean),
    doublyRobust: cut(terms.doublyRobust, both(terms.doublyRobust)),
    difference: {
      mean: meanOf(gains),
      low: hasInterval ? difference[0] : null,
      high: hasInterval ? difference[1] : null,
    },
    actual: { mean: meanOf(terms.outcomes), low, high },
    samples: n,
    unsupported,
    effectiveSamples,
  };
}

/** What each decision adds to each estimate: means of these are the estimates. */
function termsOf(usable: readonly LoggedDecision[]) {
  const n = usable.length;
  const weights = usable.map((d) => d.otherProbability / d.probability);
  const share = meanOf(weights);
  const ips = usable.map((d, i) => (weights[i] as number) * d.outcome);
  const snipsMean = share > 0 ? ips.reduce((sum, value) => sum + value, 0) / (n * share) : 0;
  return {
    ips,
    snipsMean,
    // Influence of each decision on the ratio of two means.
    snips: usable.map(
      (d, i) => snipsMean + (share > 0 ? ((weights[i] as number) * (d.outcome - snipsMean)) / share : 0),
    ),
    doublyRobust: usable.map((d, i) => d.otherPredicted + (weights[i] as number) * (d.outcome - d.predicted)),
    outcomes: usable.map((d) => d.outcome),
  };
}

type Interval = [number, number];

const hull = (a: Interval, b: Interval): Interval => [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
const meanOf = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

function moments(values: readonly number[]) {
  const n = values.length;
  const mean = meanOf(values);
  let squares = 0;
  let cubes = 0;
  for (const value of values) {
    const d = value - mean;
    squares += d * d;
    cubes += d * d * d;
  }
  const deviation = Math.sqrt(squares / Math.max(n - 1, 1));
  const skewness = squares > 0 ? cubes / n / (squares / n) ** 1.5 : 0;
  return { n, mean, deviation, skewness };
}

function symmetric(values: readonly number[], quantile: number): Interval {
  const { n, mean, deviation } = moments(values);
  const half = (quantile * deviation) / Math.sqrt(n);
  return [mean - half, mean + half];
}

/** Hall's interval: x → x + γx²/3 + γ²x³/27 + γ/6n has no skewness left; the interval is its inverse's. */
function unskewed(values: readonly number[], quantile: number): Interval {
  const { n, mean, deviation, skewness } = moments(values);
  if (Math.abs(skewness) < 1e-6) return symmetric(values, quantile);
  const inverse = (x: number) => (3 / skewness) * (Math.cbrt(1 + skewness * (x - skewness / (6 * n))) - 1);
  const at = quantile / Math.sqrt(n);
  return [mean - deviation * inverse(at), mean - deviation * inverse(-at)];
}

/** 97.5 % quantile of Student's t, by its expansion around the normal one; at least one degree of freedom. */
function studentQuantile(degrees: number): number {
  const d = Math.max(degrees, 1);
  const [z3, z5, z7] = [Z ** 3, Z ** 5, Z ** 7];
  return (
    Z +
    (z3 + Z) / (4 * d) +
    (5 * z5 + 16 * z3 + 3 * Z) / (96 * d ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * Z) / (384 * d ** 3)
  );
}
