import { explorationOf } from './choose';
import { CONTEXT_FEATURES, contextFeatures } from './context-features';
import type { PolicyFactory } from './policy';
import { priorMean, priorScore } from './prior';
import { scoringPolicy } from './scoring-policy';

/** Step of the first update; it shrinks with the square root of a model's updates. */
const LEARNING_RATE = 0.3;
const RIDGE = 1e-3;

const sigmoid = (z: number) => 1 / (1 + Math.exp(-Math.min(Math.max(z, -30), 30)));

/** Log odds of a score, kept finite. */
function logit(score: number): number {
  const p = Math.min(Math.max(score, 0.02), 0.98);
  return Math.log(p / (1 - p));
}

interface Arm {
  weights: Float64Array;
  updates: number;
}

/**
 * Logistic regression per model on hashed metadata and text features, trained online (SGD on the log loss,
 * the score as soft label); the prior is the offset. O(M·d) per decision, O(d) per example.
 * source: arXiv 2606.22902, Table 4 (LogReg).
 */
export const logistic: PolicyFactory = {
  name: 'logistic',
  summary: 'logistic regression per model on hashed features, trained online',
  create: (setup) => {
    const arms = new Map<string, Arm>();
    const arm = (model: string): Arm => {
      const found = arms.get(model) ?? { weights: new Float64Array(CONTEXT_FEATURES), updates: 0 };
      arms.set(model, found);
      return found;
    };
    const predict = (context: Parameters<typeof contextFeatures>[0], model: string, x: Float64Array) => {
      const { weights } = arm(model);
      const start =
        priorScore(setup.prior, context.dimension, model) ?? priorMean(setup.prior, context.dimension);
      let z = logit(start);
      for (let i = 0; i < CONTEXT_FEATURES; i += 1) z += (weights[i] as number) * (x[i] as number);
      return sigmoid(z);
    };
    return scoringPolicy({
      name: 'logistic',
      complexity: 'O(M·d)',
      setup,
      exploration: explorationOf(setup),
      scorer: {
        rate: ({ context }, free) => {
          const x = contextFeatures(context);
          return free.map(({ model }) => ({ predictedScore: predict(context, model, x) }));
        },
        learn: ({ context, model, score }) => {
          if (!Number.isFinite(score)) return;
          const x = contextFeatures(context);
          const error = score - predict(context, model, x);
          const found = arm(model);
          found.updates += 1;
          const step = LEARNING_RATE / Math.sqrt(found.updates);
          for (let i = 0; i < CONTEXT_FEATURES; i += 1) {
            const weight = found.weights[i] as number;
            found.weights[i] = weight + step * (error * (x[i] as number) - RIDGE * weight);
          }
        },
      },
    });
  },
};
