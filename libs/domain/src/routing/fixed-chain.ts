import { attempt, eligible, explorationOf, mustStop, stop } from './choose';
import type { Appraisal } from './choose';
import { CostBelief } from './cost-belief';
import type {
  Candidate,
  DecisionInput,
  LearningExample,
  Policy,
  PolicyFactory,
  PolicySetup,
  Random,
  TaskContext,
} from './policy';
import { priorMean, priorScore } from './prior';

/** Ranks a candidate in a chain: higher goes first. `position` is its place among the candidates. */
export type ChainRank = (context: TaskContext, candidate: Candidate, position: number) => number;

/** Rank by the user's chain when there is one, else by the prior's scores, else dearest first. */
export function configuredRank(setup: PolicySetup): ChainRank {
  const { chain } = setup;
  if (chain && chain.length > 0) {
    const place = new Map(chain.map((model, i) => [model, -i]));
    return (_context, candidate) => place.get(candidate.model) ?? -chain.length;
  }
  return setup.prior ? priorRank(setup) : (_context, candidate) => priceOf(setup, candidate);
}

/** Rank by the prior's score in the dimension; models the prior does not list count as average. */
export function priorRank(setup: PolicySetup): ChainRank {
  const { prior } = setup;
  if (!prior) return (_context, candidate) => priceOf(setup, candidate);
  return ({ dimension }, { model }) => priorScore(prior, dimension, model) ?? priorMean(prior, dimension);
}

function priceOf(setup: PolicySetup, candidate: Candidate): number {
  const price = setup.models.find((m) => m.id === candidate.model)?.price;
  return candidate.predictedCostUsd ?? (price ? price.inputPerMillion + price.outputPerMillion : 0);
}

/** Candidates in chain order, first to try first; equals keep the candidates' order. */
export function inChainOrder(rank: ChainRank, context: TaskContext, free: readonly Candidate[]): Candidate[] {
  const ranks = new Map(free.map((candidate, i) => [candidate.model, rank(context, candidate, i)]));
  return [...free].sort((a, b) => (ranks.get(b.model) ?? 0) - (ranks.get(a.model) ?? 0));
}

/** Tries models in a fixed order until one succeeds or the attempts are used up. O(M log M) per decision. */
class FixedChain implements Policy {
  readonly version = '1';
  readonly complexity = 'O(M log M)';
  private readonly costs: CostBelief;

  constructor(
    readonly name: string,
    private readonly setup: PolicySetup,
    private readonly rank: ChainRank,
    /** Whether models outside of `setup.chain` are never tried. */
    private readonly onlyChain: boolean,
  ) {
    this.costs = new CostBelief(setup);
  }

  decide(input: DecisionInput, random: Random) {
    const { chain } = this.setup;
    const all = eligible(input);
    const free = this.onlyChain && chain ? all.filter((c) => chain.includes(c.model)) : all;
    const halt = mustStop(input, free);
    if (halt !== null) return stop(input, halt);
    const order = inChainOrder(this.rank, input.context, free);
    const appraisals = order.map((candidate, i): Appraisal => {
      const value = order.length - i;
      const known = priorScore(this.setup.prior, input.context.dimension, candidate.model);
      return {
        model: candidate.model,
        predictedScore: known ?? priorMean(this.setup.prior, input.context.dimension),
        predictedCostUsd: this.costs.predict(input.context, candidate),
        value,
        votes: { [this.name]: value },
      };
    });
    return attempt(input, appraisals, random, {
      exploration: this.setup.exploration === undefined ? 0 : explorationOf(this.setup),
      reason: (a) => `${a.model} is next in the chain`,
    });
  }

  learn(example: LearningExample): void {
    this.costs.learn(example);
  }
}

/** The user's chain and nothing else; without one, the order of the prior. */
export const fixedChain: PolicyFactory = {
  name: 'fixed-chain',
  summary: "the configured chain in its order, whatever the task; without one, the prior's order",
  create: (setup) => new FixedChain('fixed-chain', setup, configuredRank(setup), true),
};

/** All models, best prior score in the task's dimension first. */
export const priorOrder: PolicyFactory = {
  name: 'prior-order',
  summary: 'all models, best prior score of the dimension first',
  create: (setup) => new FixedChain('prior-order', setup, priorRank(setup), false),
};

/** All models, lowest expected cost first. */
export const cheapestFirst: PolicyFactory = {
  name: 'cheapest-first',
  summary: 'all models, lowest price first',
  create: (setup) =>
    new FixedChain('cheapest-first', setup, (_context, candidate) => -priceOf(setup, candidate), false),
};
