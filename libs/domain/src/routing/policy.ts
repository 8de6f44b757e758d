import type { Dimension, PoolModel } from '../task';

/** Uniform number in [0, 1). Handed in, so that a decision can be repeated exactly. */
export type Random = () => number;

/** What is known of a task before acting on it. */
export interface TaskContext {
  dimension: Dimension;
  language: string;
  /** Where the task comes from (data set, repository, run); statistics are kept per source too. */
  source: string | null;
  difficulty: string | null;
  /** Hashed text features: embedding of the prompt, unit length, or `null` where none exists. */
  features: Float32Array | null;
}

/** One remembered attempt on a task like this one. */
export interface Neighbour {
  taskId: string;
  model: string;
  score: number;
  costUsd: number | null;
  /** Cosine similarity of the two tasks' embeddings, in [threshold, 1]. */
  similarity: number;
}

/** A model that could be chosen now. */
export interface Candidate {
  model: string;
  /** Expected cost of one attempt in USD from price and typical tokens; `null` when nothing is known. */
  predictedCostUsd: number | null;
  /** False while its provider cools down or when its worst case does not fit the budget. */
  available: boolean;
}

/** An attempt already made on this task. Outages do not appear here. */
export interface Tried {
  model: string;
  score: number;
  costUsd: number | null;
}

/** Everything a decision may depend on. A policy reads nothing else. */
export interface DecisionInput {
  context: TaskContext;
  neighbours: readonly Neighbour[];
  candidates: readonly Candidate[];
  tried: readonly Tried[];
  /** Attempts still allowed, this one included; ≥ 1. */
  attemptsLeft: number;
  budgetLeftUsd: number | null;
  /** Score points per USD. */
  costWeight: number;
  /** μ: score points that one more attempt costs whatever its price (latency). Default 0. */
  attemptPrice: number;
  /** Share of verdicts known to be wrong, in [0, 0.5). Default 0. */
  verifierNoise: number;
  /** What a consulted LLM answered to `Policy.question`; absent or `null` = nobody was asked or no answer came. */
  advice?: string | null;
}

/** One candidate as the policy saw it; stored with the attempt so that a decision can be explained. */
export interface CandidateView {
  model: string;
  available: boolean;
  predictedScore: number;
  predictedCostUsd: number | null;
  /** Probability with which this model was drawn; sums to 1 over the candidates of an attempt. */
  probability: number;
  /** Votes by voter name, for ensembles; else one entry under the policy's own name. */
  votes: Record<string, number>;
}

export type Decision =
  | {
      action: 'attempt';
      model: string;
      /** Probability with which `model` was drawn; > 0. */
      probability: number;
      /** Whether the drawn model differs from the one the policy thinks best. */
      explored: boolean;
      candidates: CandidateView[];
      /** One sentence for a person. */
      reason: string;
    }
  | { action: 'stop'; reason: string; candidates: CandidateView[] };

/** Feedback as a policy learns from it: one judged attempt (outages are never learnt from). */
export interface LearningExample {
  taskId: string;
  context: TaskContext;
  model: string;
  score: number;
  costUsd: number | null;
  /** Decision-time neighbours, for policies that learn how far to trust them. May be empty. */
  neighbours: readonly Neighbour[];
  /** Share of verdicts known to be wrong when this one was made, in [0, 0.5). Default 0. */
  verifierNoise?: number;
}

/** Mean score and number of observations per dimension and model. */
export interface Prior {
  /** Where it comes from, for reports. */
  source: string;
  /** score[dimension][model] in [0, 1]; missing entries are unknown. */
  score: Partial<Record<Dimension, Record<string, number>>>;
  /** Typical cost of an attempt in USD by dimension and model, where known. */
  costUsd?: Partial<Record<Dimension, Record<string, number>>>;
}

/** What a policy is built from. */
export interface PolicySetup {
  models: readonly PoolModel[];
  prior: Prior | null;
  /** Model called "strongest" by the user, or the highest-priced one. */
  strongest: string;
  /** The user's own order of models: what the guard falls back to. Default: the order of the prior. */
  chain?: readonly string[];
  /**
   * Probability mass spread evenly over all models that may be chosen, in [0, 1). Default
   * `DEFAULT_EXPLORATION`. 0 switches it off; then other policies cannot be estimated from the log.
   */
  exploration?: number;
  /** Whether models are watched for sudden changes (a provider swaps a model silently). Default true. */
  driftRule?: boolean;
}

/** A question for an LLM whose answer comes back as `DecisionInput.advice`. */
export interface RouterQuestion {
  system: string;
  prompt: string;
}

/**
 * A routing policy. `decide` is a pure function of the policy's learnt state, the input and `random`;
 * `learn` folds one example into the state. Two instances fed the same examples in the same order decide
 * alike, so every replica of the orchestrator, and the benchmark, may hold its own.
 */
export interface Policy {
  readonly name: string;
  /** Changes whenever decisions may change for the same state; stored with every decision. */
  readonly version: string;
  /** Cost of one decision, in big-O of M models, k neighbours, d features. */
  readonly complexity: string;
  decide(input: DecisionInput, random: Random): Decision;
  /**
   * For policies that consult an LLM: what to ask before `decide`. The call itself is the caller's work;
   * its reply (any text) is handed to `decide` as `input.advice`. `null` = nothing to ask for this input.
   * @param prompt The task's prompt, or `null` where only metadata is known.
   */
  question?(input: DecisionInput, prompt: string | null): RouterQuestion | null;
  learn(example: LearningExample): void;
}

/** Builds a policy. `create` draws nothing at random. */
export interface PolicyFactory {
  readonly name: string;
  /** One line for `--help` and docs. */
  readonly summary: string;
  create(setup: PolicySetup): Policy;
}
