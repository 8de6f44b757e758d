import type { Gaussian, Matrix } from './matrix';
import { dot, exchangeable, inverseAndLogDet, times } from './matrix';

/** One hypothesis of how far a group's mean scores lie from their prior, as variances. */
export interface MeanSpread {
  /** Prior probability of this hypothesis; they sum to 1. */
  share: number;
  /** Of each model against the others. */
  own: Float64Array;
  /** Of all models together: how much easier or harder the group is. */
  shared: number;
}

/** What a group of tasks is believed to look like before any of its rows is seen. */
export interface JointPrior {
  /** Mean score per model. */
  mean: Float64Array;
  /** How far the group may be from that mean; hypotheses that the rows decide between. */
  spreads: readonly MeanSpread[];
  /** Covariance of the scores of one task, and its weight in rows. */
  covariance: Matrix;
  covarianceWeight: number;
}

/** Predictive distribution of one task's scores, and the uncertainty of its mean alone. */
export interface Posterior {
  prior: JointPrior;
  gaussian: Gaussian;
  meanCovariance: Matrix;
}

/**
 * Posterior of a group's mean scores from its sums over rows (observed precision, and precision · scores),
 * averaged over the hypotheses of the prior by their evidence. O(M³) per hypothesis.
 */
export function posteriorMean(
  n: number,
  prior: JointPrior,
  precision: Matrix,
  evidence: Float64Array,
): { mean: Float64Array; meanCovariance: Matrix } {
  const parts = prior.spreads.map((spread) => under(n, prior.mean, spread, precision, evidence));
  const top = Math.max(...parts.map((part) => part.logEvidence));
  const shares = parts.map((part) => Math.exp(part.logEvidence - top));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const mean = new Float64Array(n);
  const meanCovariance = new Float64Array(n * n);
  parts.forEach((part, p) => {
    const share = (shares[p] as number) / total;
    for (let i = 0; i < n; i += 1) mean[i]! += share * (part.mean[i] as number);
  });
  parts.forEach((part, p) => {
    const share = (shares[p] as number) / total;
    for (let i = 0; i < n; i += 1) {
      const di = (part.mean[i] as number) - (mean[i] as number);
      for (let j = 0; j < n; j += 1) {
        const dj = (part.mean[j] as number) - (mean[j] as number);
        meanCovariance[i * n + j]! += share * ((part.covariance[i * n + j] as number) + di * dj);
      }
    }
  });
  return { mean, meanCovariance };
}

/** Posterior of the mean under one hypothesis, and the logarithm of that hypothesis' weight. */
function under(
  n: number,
  priorMean: Float64Array,
  spread: MeanSpread,
  precision: Matrix,
  evidence: Float64Array,
) {
  const priorCovariance = exchangeable(n, 0, spread.shared);
  for (let i = 0; i < n; i += 1) priorCovariance[i * n + i]! += spread.own[i] as number;
  const before = inverseAndLogDet(priorCovariance, n);
  const pull = times(before.inverse, priorMean, n);
  const after = inverseAndLogDet(
    Float64Array.from(before.inverse, (v, i) => v + (precision[i] as number)),
    n,
  );
  const information = Float64Array.from(pull, (v, i) => v + (evidence[i] as number));
  const mean = times(after.inverse, information, n);
  const fit = dot(information, mean) - dot(pull, priorMean);
  const logEvidence = Math.log(spread.share) + 0.5 * (fit - before.logDet - after.logDet);
  return { mean, covariance: after.inverse, logEvidence };
}
