import { explorationOf } from './choose';
import type { Neighbour, PolicyFactory } from './policy';
import { priorMean, priorScore } from './prior';
import { scoringPolicy } from './scoring-policy';

/** Similarity-weighted votes of what is thought before any neighbour speaks. */
const PRIOR_PSEUDO_COUNT = 1;

/** Mean of a model's neighbour scores, weighted by similarity and shrunk to `fallback`. */
export function neighbourScore(
  neighbours: readonly Neighbour[],
  model: string,
  fallback: number,
  pseudoCount: number,
): number {
  let weight = pseudoCount;
  let sum = pseudoCount * fallback;
  for (const n of neighbours) {
    if (n.model !== model || !Number.isFinite(n.score) || !(n.similarity > 0)) continue;
    weight += n.similarity;
    sum += n.similarity * n.score;
  }
  return weight > 0 ? sum / weight : fallback;
}

/**
 * k nearest neighbours alone: each model is worth the similarity-weighted mean of its neighbours' scores,
 * shrunk to the prior. Cold, an unseen model counts 0.5. source: arXiv 2606.22902, Table 4 (kNN, k = 10).
 */
export const knn: PolicyFactory = {
  name: 'knn',
  summary: "similarity-weighted mean of the nearest neighbours' scores",
  create: (setup) =>
    scoringPolicy({
      name: 'knn',
      complexity: 'O(M·k)',
      setup,
      exploration: explorationOf(setup),
      scorer: {
        rate: ({ context, neighbours }, free) =>
          free.map(({ model }) => {
            const start =
              priorScore(setup.prior, context.dimension, model) ?? priorMean(setup.prior, context.dimension);
            return { predictedScore: neighbourScore(neighbours, model, start, PRIOR_PSEUDO_COUNT) };
          }),
      },
    }),
};
