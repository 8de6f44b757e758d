import type { Policy, PolicyFactory, PolicySetup } from './policy';
import { priorMean, priorScore } from './prior';
import { scoringPolicy } from './scoring-policy';
import type { Scorer } from './scoring-policy';

const known = (setup: PolicySetup, dimension: Parameters<typeof priorMean>[1], model: string) =>
  priorScore(setup.prior, dimension, model) ?? priorMean(setup.prior, dimension);

function staticPolicy(name: string, setup: PolicySetup, scorer: Scorer): Policy {
  return scoringPolicy({ name, complexity: 'O(M)', setup, exploration: setup.exploration ?? 0, scorer });
}

/** Always the given model; another one (best prior first) only where that one may not be chosen. */
export function alwaysPolicy(name: string, model: string, setup: PolicySetup): Policy {
  return staticPolicy(name, setup, {
    rate: (input, free) =>
      free.map((candidate) => {
        const predictedScore = known(setup, input.context.dimension, candidate.model);
        return { predictedScore, value: candidate.model === model ? 2 : predictedScore };
      }),
  });
}

/** The model that the user calls strongest, for everything: what most teams run. */
export const strongest: PolicyFactory = {
  name: 'strongest',
  summary: 'the strongest model for every task',
  create: (setup) => alwaysPolicy('strongest', setup.strongest, setup),
};

/** The model with the lowest expected cost. */
export const cheapest: PolicyFactory = {
  name: 'cheapest',
  summary: 'the model with the lowest expected cost',
  create: (setup) =>
    staticPolicy('cheapest', setup, {
      rate: (input, free) =>
        free.map((candidate) => {
          const price = setup.models.find((m) => m.id === candidate.model)?.price;
          const usd = price ? price.inputPerMillion + price.outputPerMillion : candidate.predictedCostUsd;
          return {
            predictedScore: known(setup, input.context.dimension, candidate.model),
            value: -(usd ?? Number.MAX_VALUE),
          };
        }),
    }),
};

/** Every model with the same probability. */
export const random: PolicyFactory = {
  name: 'random',
  summary: 'any model, all equally likely',
  create: (setup) =>
    staticPolicy('random', setup, {
      rate: (input, free) =>
        free.map((candidate) => ({
          predictedScore: known(setup, input.context.dimension, candidate.model),
          value: 0,
          share: 1,
        })),
    }),
};
