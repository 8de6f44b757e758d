import type { Appraisal } from './choose';
import { attempt, bestScore, eligible, explorationOf, mustStop, stop } from './choose';
import { Beliefs, standardError } from './hierarchical';
import { neighbourScore } from './knn';
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
import type { ScoreEstimate } from './score-belief';

const VOTERS = ['prior', 'posterior', 'neighbours'] as const;
type Voter = (typeof VOTERS)[number];

/** Weight of the posterior when few neighbours vote, in neighbours. */
const NEIGHBOUR_PSEUDO_COUNT = 6;
/** Pseudo-count and value of each voter's squared error before anything was learnt. */
const ERROR_PSEUDO_COUNT = 50;
const INITIAL_ERROR: Record<Voter, number> = { prior: 0.16, posterior: 0.14, neighbours: 0.15 };
/** Voters weigh error^-8: one that errs 10 % more gets less than half of the weight. */
const ERROR_EXPONENT = 8;
const OPTIMISM = 1;

/**
 * Weighted vote of prior, hierarchical posterior and neighbours; each voter's weight follows from how well
 * it has predicted so far. Votes sum to the value. Complexity O(M·(levels + k)).
 * source: arXiv 2606.22902, §3.3 (Orchestrator).
 */
class VoteEnsemble implements Policy {
  readonly name = 'vote-ensemble';
  readonly version = '3';
  readonly complexity = 'O(M·k)';
  private readonly beliefs: Beliefs;
  private readonly errors: Record<Voter, { n: number; sum: number }>;

  constructor(private readonly setup: PolicySetup) {
    this.beliefs = new Beliefs(setup);
    const start = (voter: Voter) => ({
      n: ERROR_PSEUDO_COUNT,
      sum: ERROR_PSEUDO_COUNT * INITIAL_ERROR[voter],
    });
    this.errors = {
      prior: start('prior'),
      posterior: start('posterior'),
      neighbours: start('neighbours'),
    };
  }

  decide(input: DecisionInput, random: Random) {
    const free = eligible(input);
    const halt = mustStop(input, free);
    if (halt !== null) return stop(input, halt);
    const { estimates, costs, charge } = this.beliefs.appraise(input, free);
    const weights = this.weights();
    const appraisals = free.map((candidate, i): Appraisal => {
      const estimate = estimates[i] as ScoreEstimate;
      const opinions = this.opinions(input, candidate, estimate);
      const votes: Record<string, number> = {};
      for (const voter of VOTERS) votes[voter] = weights[voter] * opinions[voter];
      const predictedScore = VOTERS.reduce((sum, voter) => sum + (votes[voter] ?? 0), 0);
      votes['curiosity'] = OPTIMISM * standardError(estimate);
      votes['cost'] = -(charge[i] ?? 0);
      const value = Object.values(votes).reduce((sum, vote) => sum + vote, 0);
      return { model: candidate.model, predictedScore, predictedCostUsd: costs[i] ?? null, value, votes };
    });
    const best = bestScore(input);
    const gains = appraisals.map((a, i) => a.predictedScore * (1 - best) - (charge[i] ?? 0));
    if (input.tried.length > 0 && Math.max(...gains) <= 0) {
      return stop(input, 'no untried model is expected to gain more than it costs', appraisals);
    }
    return attempt(input, appraisals, random, {
      exploration: explorationOf(this.setup),
      reason: (a) => `most votes: ${a.value.toFixed(2)}, ${a.predictedScore.toFixed(2)} expected score`,
    });
  }

  learn(example: LearningExample): void {
    const estimate = this.beliefs.scores.estimate(example.context, example.model);
    const candidate = { model: example.model, predictedCostUsd: null, available: true };
    const opinions = this.opinions(example, candidate, estimate);
    if (Number.isFinite(example.score)) {
      for (const voter of VOTERS) {
        this.errors[voter].n += 1;
        this.errors[voter].sum += (opinions[voter] - example.score) ** 2;
      }
    }
    this.beliefs.learn(example);
  }

  private opinions(
    seen: Pick<DecisionInput, 'context' | 'neighbours'>,
    candidate: Candidate,
    estimate: ScoreEstimate,
  ): Record<Voter, number> {
    return {
      prior: this.priorOpinion(seen.context, candidate.model, estimate.mean),
      posterior: estimate.mean,
      neighbours: neighbourScore(seen.neighbours, candidate.model, estimate.mean, NEIGHBOUR_PSEUDO_COUNT),
    };
  }

  /** The prior's score, giving way to the posterior where the source is a stranger or the model has changed. */
  private priorOpinion(context: TaskContext, model: string, posterior: number): number {
    const { prior } = this.setup;
    const { scores } = this.beliefs;
    if (!prior || scores.hasDrifted(context, model)) return posterior;
    const known = priorScore(prior, context.dimension, model) ?? priorMean(prior, context.dimension);
    return known + scores.strangerShare(context) * (posterior - known);
  }

  private weights(): Record<Voter, number> {
    const raw = VOTERS.map((v) => (this.errors[v].sum / this.errors[v].n + 1e-6) ** -ERROR_EXPONENT);
    const total = raw.reduce((sum, w) => sum + w, 0);
    return {
      prior: (raw[0] ?? 0) / total,
      posterior: (raw[1] ?? 0) / total,
      neighbours: (raw[2] ?? 0) / total,
    };
  }
}

/** The paper's orchestrator: several voters, one decision. */
export const voteEnsemble: PolicyFactory = {
  name: 'vote-ensemble',
  summary: 'weighted votes of prior, hierarchical posterior and neighbours',
  create: (setup) => new VoteEnsemble(setup),
};
