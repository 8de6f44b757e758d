/** One logged attempt, and what another policy would have done in the same place. */
export interface LoggedDecision {
  /** Score (or cost, or reward) of the attempt that was made. */
  outcome: number;
  /** Probability with which the logged model was drawn, > 0. */
  probability: number;
  /** Probability with which the other policy would have drawn the same model. */
  otherProbability: number;
  /** Predicted outcome of the logged model. */
  predicted: number;
  /** Predicted outcome of the other policy: Σ over models of its probability · prediction. */
  otherPredicted: number;
}

/** A mean with its 95 % confidence interval. */
export interface Estimate {
  mean: number;
  low: number;
  high: number;
  /** Effective sample size: (Σw)² / Σw². Under about 30 an estimate is a guess. */
  effectiveSamples: number;
}

/** Estimates of the mean outcome under the other policy. */
export interface OffPolicyEstimates {
  /** Inverse propensity scoring: unbiased, noisy. source: Horvitz & Thompson 1952. */
  ips: Estimate;
  /** Self-normalised: slightly biased, steadier. source: Swaminathan & Joachims 2015. */
  snips: Estimate;
  /** Doubly robust: right when either the probabilities or the predictions are. source: Dudík et al. 2011. */
  doublyRobust: Estimate;
  samples: number;
}

const Z = 1.959964;
const NO_SAMPLES: Estimate = { mean: 0, low: 0, high: 0, effectiveSamples: 0 };

/**
 * What another policy would have earned on the logged traffic. `log` with probability ≤ 0 is left out.
 * Intervals are normal approximations with the sample variance of each estimator's influence terms.
 * O(n).
 */
export function estimateOffPolicy(log: readonly LoggedDecision[]): OffPolicyEstimates {
  const usable = log.filter((d) => d.probability > 0 && Number.isFinite(d.outcome));
  const n = usable.length;
  if (n === 0) return { ips: NO_SAMPLES, snips: NO_SAMPLES, doublyRobust: NO_SAMPLES, samples: 0 };
  const weights = usable.map((d) => d.otherProbability / d.probability);
  const weightSum = weights.reduce((sum, w) => sum + w, 0);
  const squares = weights.reduce((sum, w) => sum + w * w, 0);
  const effectiveSamples = squares > 0 ? (weightSum * weightSum) / squares : 0;
  const at = (i: number) => usable[i] as LoggedDecision;
  const ips = interval(
    weights.map((w, i) => w * at(i).outcome),
    effectiveSamples,
  );
  const snipsMean = weightSum > 0 ? weights.reduce((sum, w, i) => sum + w * at(i).outcome, 0) / weightSum : 0;
  const share = weightSum / n;
  const influence = weights.map(
    (w, i) => snipsMean + (share > 0 ? (w * (at(i).outcome - snipsMean)) / share : 0),
  );
  const robust = weights.map((w, i) => at(i).otherPredicted + w * (at(i).outcome - at(i).predicted));
  return {
    ips,
    snips: { ...interval(influence, effectiveSamples), mean: snipsMean },
    doublyRobust: interval(robust, effectiveSamples),
    samples: n,
  };
}

function interval(terms: readonly number[], effectiveSamples: number): Estimate {
  const n = terms.length;
  const mean = terms.reduce((sum, t) => sum + t, 0) / n;
  const variance = terms.reduce((sum, t) => sum + (t - mean) ** 2, 0) / Math.max(n - 1, 1);
  const half = Z * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, effectiveSamples };
}
