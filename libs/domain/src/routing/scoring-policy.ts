import { attempt, bestScore, eligible, mustStop, stop } from './choose';
import type { Appraisal } from './choose';
import { CostBelief } from './cost-belief';
import { chargeOf } from './hierarchical';
import type { Candidate, DecisionInput, LearningExample, Policy, PolicySetup, Random } from './policy';

/** What a scorer says of one candidate. */
export interface Rating {
  predictedScore: number;
  /** What to maximise instead of predictedScore − charge. */
  value?: number;
  /** Share with which to draw this candidate; all candidates of a decision give one, or none does. */
  share?: number;
}

/** The part in which simple policies differ. */
export interface Scorer {
  /** One rating per candidate, in their order. `charge` is what an attempt costs in score points. */
  rate(input: DecisionInput, free: readonly Candidate[], charge: readonly number[], random: Random): Rating[];
  /** Absent: the scorer does not learn. */
  learn?(example: LearningExample): void;
}

/** Name and nature of a scoring policy. */
export interface ScoringPolicySpec {
  name: string;
  complexity: string;
  setup: PolicySetup;
  /** Exploration mass; see `PolicySetup.exploration`. */
  exploration: number;
  scorer: Scorer;
}

/**
 * A policy that rates every candidate by itself and takes the best. After a failed attempt it goes on while
 * some rating promises more than its charge.
 */
export function scoringPolicy(spec: ScoringPolicySpec): Policy {
  const { name, complexity, setup, exploration, scorer } = spec;
  const costs = new CostBelief(setup);
  return {
    name,
    version: '1',
    complexity,
    decide(input, random) {
      const free = eligible(input);
      const halt = mustStop(input, free);
      if (halt !== null) return stop(input, halt);
      const expected = free.map((candidate) => costs.predict(input.context, candidate));
      const charge = chargeOf(input, expected);
      const ratings = scorer.rate(input, free, charge, random);
      const appraisals = ratings.map((rating, i): Appraisal => {
        const value = rating.value ?? rating.predictedScore - (charge[i] ?? 0);
        return {
          model: free[i]?.model ?? '',
          predictedScore: Math.min(Math.max(rating.predictedScore, 0), 1),
          predictedCostUsd: expected[i] ?? null,
          value,
          votes: { [name]: Number.isFinite(value) ? value : 0 },
        };
      });
      const hope = 1 - bestScore(input);
      if (input.tried.length > 0 && appraisals.every((a, i) => a.predictedScore * hope <= (charge[i] ?? 0))) {
        return stop(input, 'no untried model is expected to gain more than it costs', appraisals);
      }
      const shares = ratings.map((rating) => rating.share ?? 0);
      const total = shares.reduce((sum, share) => sum + share, 0);
      return attempt(input, appraisals, random, {
        ...(total > 0 ? { shares: shares.map((share) => share / total) } : {}),
        exploration,
        reason: (a) => `${name} rates ${a.model} highest`,
      });
    },
    learn(example) {
      costs.learn(example);
      scorer.learn?.(example);
    },
  };
}
