import type { Candidate, CandidateView, Decision, DecisionInput, PolicySetup, Random } from './policy';

/**
 * Exploration mass of a policy unless its setup says otherwise. 0.5 % spread over all models that may be
 * chosen: every model keeps a known probability (off-policy estimates need it), and the price is at most 0.5 %
 * of the gap between the best and the average model.
 */
export const DEFAULT_EXPLORATION = 0.005;

/** A score from which on an attempt counts as a verified success; below 1 only by rounding. */
export const SOLVED_SCORE = 1 - 1e-9;

/** What a policy thinks of one candidate. */
export interface Appraisal {
  model: string;
  predictedScore: number;
  predictedCostUsd: number | null;
  /** What the policy maximises; not finite counts as the worst. */
  value: number;
  votes: Record<string, number>;
}

/** Candidates that may be chosen now: available, and not yet tried on this task. */
export function eligible(input: DecisionInput): Candidate[] {
  const tried = new Set(input.tried.map((t) => t.model));
  return input.candidates.filter((c) => c.available && !tried.has(c.model));
}

/** Best verified score on this task so far; 0 before the first attempt. */
export function bestScore(input: DecisionInput): number {
  return input.tried.reduce((best, t) => Math.max(best, t.score), 0);
}

/**
 * Why no attempt may be made whatever the policy, or `null` when one may.
 * `free` are the candidates of `eligible`.
 */
export function mustStop(input: DecisionInput, free: readonly Candidate[]): string | null {
  if (input.tried.some((t) => t.score >= SOLVED_SCORE)) return 'a verified success exists';
  if (!(input.attemptsLeft >= 1)) return 'no attempts are left';
  if (input.budgetLeftUsd !== null && !(input.budgetLeftUsd > 0)) return 'the budget is spent';
  if (free.length === 0) return 'no model is available that has not been tried';
  return null;
}

const finite = (value: number, otherwise: number) => (Number.isFinite(value) ? value : otherwise);

function views(input: DecisionInput, appraisals: readonly Appraisal[], probability: Map<string, number>) {
  const byModel = new Map(appraisals.map((a) => [a.model, a]));
  return input.candidates.map((candidate): CandidateView => {
    const appraisal = byModel.get(candidate.model);
    return {
      model: candidate.model,
      available: candidate.available,
      predictedScore: finite(appraisal?.predictedScore ?? 0, 0),
      predictedCostUsd: appraisal ? appraisal.predictedCostUsd : candidate.predictedCostUsd,
      probability: probability.get(candidate.model) ?? 0,
      votes: finiteVotes(appraisal?.votes ?? {}),
    };
  });
}

/** Votes that overflowed are shown as the largest number that JSON can carry. */
function finiteVotes(votes: Record<string, number>): Record<string, number> {
  const entries = Object.entries(votes);
  if (entries.every(([, vote]) => Number.isFinite(vote))) return votes;
  return Object.fromEntries(
    entries.map(([voter, vote]) => [voter, finite(vote, vote < 0 ? -Number.MAX_VALUE : 0)]),
  );
}

/** The decision to stop. Appraisals, where given, are kept for the explanation. */
export function stop(input: DecisionInput, reason: string, appraisals: readonly Appraisal[] = []): Decision {
  return { action: 'stop', reason, candidates: views(input, appraisals, new Map()) };
}

/** Index of the largest value; the first one wins ties, and not-finite values lose against any other. */
export function argmax(values: readonly number[]): number {
  let best = 0;
  let bestValue = -Infinity;
  values.forEach((value, i) => {
    if (value > bestValue) {
      best = i;
      bestValue = value;
    }
  });
  return best;
}

/** Shares (summing to 1) after mixing `exploration` evenly over all entries. */
export function withExploration(shares: readonly number[], exploration: number): number[] {
  const epsilon = Math.min(Math.max(finite(exploration, 0), 0), 1);
  return shares.map((share) => (1 - epsilon) * share + epsilon / shares.length);
}

/** Index drawn with the given probabilities (summing to 1); entries of probability 0 are never drawn. */
export function drawIndex(probabilities: readonly number[], random: Random): number {
  let rest = random();
  let last = 0;
  for (const [i, p] of probabilities.entries()) {
    if (p <= 0) continue;
    last = i;
    rest -= p;
    if (rest < 0) return i;
  }
  return last;
}

/** How `attempt` draws. */
export interface DrawOptions {
  /** Share of each appraisal before exploration; default: all on the best value. */
  shares?: readonly number[];
  exploration: number;
  reason: (best: Appraisal) => string;
}

/**
 * Draws one of the appraised models and notes with which probability. `appraisals` must not be empty.
 * The drawn model counts as explored when another one has the better value.
 */
export function attempt(
  input: DecisionInput,
  appraisals: readonly Appraisal[],
  random: Random,
  options: DrawOptions,
): Decision {
  const best = argmax(appraisals.map((a) => a.value));
  const shares = options.shares ?? appraisals.map((_, i) => (i === best ? 1 : 0));
  const probabilities = withExploration(shares, options.exploration);
  const drawn = drawIndex(probabilities, random);
  const chosen = appraisals[drawn] as Appraisal;
  const reason =
    drawn === best ? options.reason(chosen) : `explored: ${options.reason(appraisals[best] as Appraisal)}`;
  const byModel = new Map(appraisals.map((a, i) => [a.model, probabilities[i] ?? 0]));
  return {
    action: 'attempt',
    model: chosen.model,
    probability: probabilities[drawn] ?? 1,
    explored: drawn !== best,
    candidates: views(input, appraisals, byModel),
    reason,
  };
}

/** Exploration mass of a setup. */
export function explorationOf(setup: PolicySetup): number {
  return setup.exploration ?? DEFAULT_EXPLORATION;
}
