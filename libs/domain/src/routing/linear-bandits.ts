import { argmax, explorationOf } from './choose';
import { CONTEXT_FEATURES, contextFeatures } from './context-features';
import { inverse, times } from './matrix';
import type { DecisionInput, LearningExample, PolicyFactory, PolicySetup, Random } from './policy';
import { DIMENSIONS } from '../task';
import { priorScore } from './prior';
import { scoringPolicy } from './scoring-policy';
import type { Rating } from './scoring-policy';

/** Source of all four: arXiv 2606.22902, Table 4. */
const UCB_ALPHA = 1;
const TS_DEVIATION = 0.5;
const RIDGE = 1;
/** Draws behind the logged probabilities of Thompson sampling. */
const SAMPLES = 32;
/** Observations that a prior's cell counts for. */
const PRIOR_PSEUDO_COUNT = 10;

interface Arm {
  inverse: Float64Array;
  moment: Float64Array;
  weights: Float64Array;
}

const D = CONTEXT_FEATURES;

/** Ridge regression of the score on the context, one per model, updated by Sherman–Morrison in O(d²). */
class LinearArms {
  private readonly arms = new Map<string, Arm>();

  constructor(private readonly setup: PolicySetup) {}

  arm(model: string): Arm {
    const found = this.arms.get(model);
    if (found) return found;
    const precision = new Float64Array(D * D);
    const moment = new Float64Array(D);
    for (let i = 0; i < D; i += 1) precision[i * D + i] = RIDGE;
    DIMENSIONS.forEach((dimension, i) => {
      const score = priorScore(this.setup.prior, dimension, model);
      if (score === null) return;
      for (const a of [0, 1 + i]) {
        moment[a]! += PRIOR_PSEUDO_COUNT * score;
        for (const b of [0, 1 + i]) precision[a * D + b]! += PRIOR_PSEUDO_COUNT;
      }
    });
    const inverted = inverse(precision, D);
    const arm = { inverse: inverted, moment, weights: times(inverted, moment, D) };
    this.arms.set(model, arm);
    return arm;
  }

  learn(example: LearningExample): void {
    if (!Number.isFinite(example.score)) return;
    const x = contextFeatures(example.context);
    const arm = this.arm(example.model);
    const ax = times(arm.inverse, x, D);
    let denominator = 1;
    for (let i = 0; i < D; i += 1) denominator += (x[i] as number) * (ax[i] as number);
    for (let i = 0; i < D; i += 1) {
      arm.moment[i]! += example.score * (x[i] as number);
      for (let j = 0; j < D; j += 1) {
        arm.inverse[i * D + j]! -= ((ax[i] as number) * (ax[j] as number)) / denominator;
      }
    }
    arm.weights = times(arm.inverse, arm.moment, D);
  }

  /** Mean and uncertainty (xᵀA⁻¹x)^½ of a model's score. Only the non-zero features are visited. */
  estimate(input: DecisionInput, model: string, x: Float64Array): { mean: number; width: number } {
    const arm = this.arm(model);
    let mean = 0;
    let square = 0;
    for (let i = 0; i < D; i += 1) {
      const xi = x[i] as number;
      if (xi === 0) continue;
      mean += xi * (arm.weights[i] as number);
      for (let j = 0; j < D; j += 1) {
        square += xi * (arm.inverse[i * D + j] as number) * (x[j] as number);
      }
    }
    return { mean, width: Math.sqrt(Math.max(square, 0)) };
  }
}

/** LinUCB, α = λ = 1: mean + α·width − charge. */
export const linUcb: PolicyFactory = {
  name: 'linucb',
  summary: 'linear score per model with an upper confidence bound',
  create: (setup) => {
    const arms = new LinearArms(setup);
    return scoringPolicy({
      name: 'linucb',
      complexity: 'O(M·d²)',
      setup,
      exploration: explorationOf(setup),
      scorer: {
        rate: (input, free, charge) => {
          const x = contextFeatures(input.context);
          return free.map(({ model }, i): Rating => {
            const { mean, width } = arms.estimate(input, model, x);
            return { predictedScore: mean, value: mean + UCB_ALPHA * width - (charge[i] ?? 0) };
          });
        },
        learn: (example) => arms.learn(example),
      },
    });
  },
};

/** A standard normal number (Box–Muller). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/** Share of `SAMPLES`-many draws in which each candidate had the best value. */
export function winShares(
  means: readonly number[],
  deviations: readonly number[],
  samples: number,
  random: Random,
): number[] {
  const wins = means.map(() => 0);
  for (let s = 0; s < samples; s += 1) {
    const drawn = means.map((mean, i) => mean + (deviations[i] ?? 0) * normal(random));
    wins[argmax(drawn)]! += 1 / samples;
  }
  return wins;
}

/** LinTS, v = 0.5, λ = 1. The win shares of 32 posterior draws are the logged probabilities. */
export const linTs: PolicyFactory = {
  name: 'lints',
  summary: 'linear score per model, drawn from its posterior (Thompson sampling)',
  create: (setup) => {
    const arms = new LinearArms(setup);
    return scoringPolicy({
      name: 'lints',
      complexity: 'O(M·d²)',
      setup,
      exploration: explorationOf(setup),
      scorer: {
        rate: (input, free, charge, random) => {
          const x = contextFeatures(input.context);
          const estimates = free.map(({ model }) => arms.estimate(input, model, x));
          const values = estimates.map(({ mean }, i) => mean - (charge[i] ?? 0));
          const widths = estimates.map(({ width }) => TS_DEVIATION * width);
          const shares = winShares(values, widths, SAMPLES, random);
          return estimates.map(({ mean }, i): Rating => ({ predictedScore: mean, share: shares[i] ?? 0 }));
        },
        learn: (example) => arms.learn(example),
      },
    });
  },
};
