import { explorationOf } from './choose';
import type { PolicyFactory, PolicySetup } from './policy';
import { priorMean, priorScore } from './prior';
import { scoringPolicy } from './scoring-policy';
import type { Scorer } from './scoring-policy';

/** Running mean per key; the base of the table-driven policies. */
class MeanTable {
  private readonly cells = new Map<string, { n: number; sum: number }>();

  add(key: string, score: number): void {
    const cell = this.cells.get(key) ?? { n: 0, sum: 0 };
    this.cells.set(key, { n: cell.n + 1, sum: cell.sum + score });
  }

  /** Mean of a key, shrunk to `fallback` with a pseudo-count of 1. */
  mean(key: string, fallback: number): number {
    const cell = this.cells.get(key);
    return cell ? (cell.sum + fallback) / (cell.n + 1) : fallback;
  }
}

/** With a prior: its table, frozen. Without: the table of what was seen, where the unseen is tried first. */
function dimensionScorer(setup: PolicySetup): Scorer {
  const { prior } = setup;
  const table = new MeanTable();
  if (prior) {
    return {
      rate: ({ context }, free) =>
        free.map(({ model }) => ({
          predictedScore: priorScore(prior, context.dimension, model) ?? priorMean(prior, context.dimension),
        })),
    };
  }
  return {
    rate: ({ context }, free) =>
      free.map(({ model }) => ({ predictedScore: table.mean(`${context.dimension} ${model}`, 1) })),
    learn: ({ context, model, score }) => {
      if (Number.isFinite(score)) table.add(`${context.dimension} ${model}`, score);
    },
  };
}

/** Best model per dimension. source: arXiv 2606.22902, Table 4 (DimensionBest). */
export const dimensionBest: PolicyFactory = {
  name: 'dimension-best',
  summary: 'best model of the dimension, from the prior or learnt',
  create: (setup) =>
    scoringPolicy({
      name: 'dimension-best',
      complexity: 'O(M)',
      setup,
      exploration: setup.prior ? (setup.exploration ?? 0) : explorationOf(setup),
      scorer: dimensionScorer(setup),
    }),
};

const PRIOR_PSEUDO_COUNT = 30;
const GREEDY_EPSILON = 0.05;

/** ε-greedy on running means per dimension; the prior counts as 30 observations. ε = 0.05. */
export const epsilonGreedy: PolicyFactory = {
  name: 'epsilon-greedy',
  summary: 'best running mean of the dimension; 5 % of the time any model',
  create: (setup) => {
    const cells = new Map<string, { n: number; sum: number }>();
    const scorer: Scorer = {
      rate: ({ context }, free) =>
        free.map(({ model }) => {
          const known = priorScore(setup.prior, context.dimension, model);
          const k = known === null ? 1 : PRIOR_PSEUDO_COUNT;
          const cell = cells.get(`${context.dimension} ${model}`) ?? { n: 0, sum: 0 };
          const start = known ?? (setup.prior ? priorMean(setup.prior, context.dimension) : 1);
          return { predictedScore: (cell.sum + k * start) / (cell.n + k) };
        }),
      learn: ({ context, model, score }) => {
        if (!Number.isFinite(score)) return;
        const key = `${context.dimension} ${model}`;
        const cell = cells.get(key) ?? { n: 0, sum: 0 };
        cells.set(key, { n: cell.n + 1, sum: cell.sum + score });
      },
    };
    const exploration = setup.exploration ?? GREEDY_EPSILON;
    return scoringPolicy({ name: 'epsilon-greedy', complexity: 'O(M)', setup, exploration, scorer });
  },
};
