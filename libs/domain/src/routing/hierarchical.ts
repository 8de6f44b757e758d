import type { Appraisal } from './choose';
import { attempt, bestScore, eligible, explorationOf, mustStop, stop } from './choose';
import { costStandIn, CostBelief } from './cost-belief';
import type { Candidate, DecisionInput, LearningExample, Policy, PolicyFactory, PolicySetup } from './policy';
import { ScoreBelief } from './score-belief';
import type { BeliefStrength, ScoreEstimate } from './score-belief';

/** Standard errors added to a mean before comparing: optimism that makes uncertain models worth a try. */
const OPTIMISM_WITH_PRIOR = 1;
const OPTIMISM_COLD = 1;

/** Beliefs about score and cost that learn from the same examples. */
export class Beliefs {
  readonly scores: ScoreBelief;
  readonly costs: CostBelief;

  constructor(setup: PolicySetup, strength?: BeliefStrength) {
    this.scores = new ScoreBelief(setup, strength);
    this.costs = new CostBelief(setup);
  }

  learn(example: LearningExample): void {
    this.scores.learn(example);
    this.costs.learn(example);
  }

  /** Score estimates and expected costs of the candidates, in their order. */
  appraise(input: DecisionInput, candidates: readonly Candidate[]) {
    const estimates = this.scores.estimates(
      input.context,
      candidates.map((c) => c.model),
    );
    const costs = candidates.map((c) => this.costs.predict(input.context, c));
    return { estimates, costs, charge: chargeOf(input, costs) };
  }
}

/** Score points that each attempt costs: weight · USD + price per attempt; unknown counts as the dearest. */
export function chargeOf(input: DecisionInput, costs: readonly (number | null)[]): number[] {
  const standIn = costStandIn(costs);
  return costs.map((usd) => input.costWeight * (usd ?? standIn) + input.attemptPrice);
}

/** Standard error of an estimate. */
export function standardError(estimate: ScoreEstimate): number {
  return Math.sqrt(estimate.variance / Math.max(estimate.weight, 1e-9));
}

/**
 * Hierarchical posterior, optimistic: m + v·se(m) − charge. After a failed attempt a further one is made
 * when it may still gain more than it costs. Complexity O(M · levels).
 */
class HierarchicalOptimistic implements Policy {
  readonly name = 'hierarchical-optimistic';
  readonly version = '3';
  readonly complexity = 'O(M)';
  private readonly beliefs: Beliefs;

  constructor(private readonly setup: PolicySetup) {
    this.beliefs = new Beliefs(setup);
  }

  decide(input: DecisionInput, random: () => number) {
    const free = eligible(input);
    const halt = mustStop(input, free);
    if (halt !== null) return stop(input, halt);
    const { estimates, costs, charge } = this.beliefs.appraise(input, free);
    const best = bestScore(input);
    const optimism = this.setup.prior ? OPTIMISM_WITH_PRIOR : OPTIMISM_COLD;
    const appraisals = free.map((candidate, i): Appraisal => {
      const estimate = estimates[i] as ScoreEstimate;
      const value = estimate.mean + optimism * standardError(estimate) - (charge[i] ?? 0);
      return {
        model: candidate.model,
        predictedScore: estimate.mean,
        predictedCostUsd: costs[i] ?? null,
        value,
        votes: { [this.name]: value },
      };
    });
    const gains = appraisals.map((a, i) => a.predictedScore * (1 - best) - (charge[i] ?? 0));
    if (input.tried.length > 0 && Math.max(...gains) <= 0) {
      return stop(input, 'no untried model is expected to gain more than it costs', appraisals);
    }
    return attempt(input, appraisals, random, {
      exploration: explorationOf(this.setup),
      reason: (a) => `highest optimistic posterior: ${a.predictedScore.toFixed(2)} expected score`,
    });
  }

  learn(example: LearningExample): void {
    this.beliefs.learn(example);
  }
}

/** Optimistic hierarchical posterior. source: docs/routing.md. */
export const hierarchicalOptimistic: PolicyFactory = {
  name: 'hierarchical-optimistic',
  summary: 'posterior by dimension, source and language; picks the best optimistic estimate',
  create: (setup) => new HierarchicalOptimistic(setup),
};
