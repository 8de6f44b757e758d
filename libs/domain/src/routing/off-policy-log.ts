import { seededRandom } from '../seeded-random';
import {
  ENOUGH_EFFECTIVE_SAMPLES,
  estimateOffPolicy,
  MIN_EFFECTIVE_SAMPLES,
  MIN_EFFECTIVE_SAMPLES_OF_COSTS,
  type LoggedDecision,
  type OffPolicyEstimates,
  type OutcomeRange,
} from './off-policy';
import type { CandidateView, DecisionInput, Neighbour, Policy, TaskContext } from './policy';

/** What the log knows of the first decision on one task, and of what came of it. */
export interface FirstDecision {
  taskId: string;
  context: TaskContext;
  neighbours: readonly Neighbour[];
  /** As stored with the decision: probabilities and predictions of all models. */
  candidates: readonly CandidateView[];
  model: string;
  probability: number;
  attemptsLeft: number;
  budgetLeftUsd: number | null;
  costWeight: number;
  /** All attempts in their order, the first one's first. */
  attempts: readonly { model: string; score: number | null; costUsd: number | null }[];
  /** Of the task's answer; `null`: not judged. */
  taskScore: number | null;
  /** Of all its calls; `null`: at least one is unknown. */
  taskCostUsd: number | null;
}

/**
 * What is estimated, per task. `first…`: the other policy makes one attempt and that is it. `task…`: it makes the
 * first attempt, and the logged policy goes on from there as it did (escalation included).
 */
export const OFF_POLICY_OUTCOMES = ['firstScore', 'firstCostUsd', 'taskScore', 'taskCostUsd'] as const;
export type OffPolicyOutcome = (typeof OFF_POLICY_OUTCOMES)[number];

/** Estimates of one outcome. */
export interface OutcomeEstimates extends OffPolicyEstimates {
  /** Decisions without a known outcome (not judged, or of unknown cost): left out, never counted as 0. */
  unknown: number;
}

/** What another policy would have earned on logged decisions. */
export interface OffPolicyComparison {
  decisions: number;
  outcomes: Record<OffPolicyOutcome, OutcomeEstimates>;
  /** Share of decisions whose model is the one the other policy would (most likely) have taken. */
  agreement: number;
}

type Line = Omit<LoggedDecision, 'outcome' | 'predicted' | 'otherPredicted'>;

const COST: OutcomeRange = { low: 0, high: Infinity, minEffectiveSamples: MIN_EFFECTIVE_SAMPLES_OF_COSTS };
const RANGES: Record<OffPolicyOutcome, OutcomeRange> = {
  firstScore: { low: 0, high: 1 },
  firstCostUsd: COST,
  taskScore: { low: 0, high: 1 },
  taskCostUsd: COST,
};

/**
 * Reads logged first decisions one by one, in the order of their making, and asks another policy what it would have
 * done. That policy then learns from what the log saw, as it would have from this very traffic, so its choice never
 * depends on the outcome that it is judged by. Escalations are no decisions of their own here: they happen only
 * where earlier attempts failed, so their outcomes are not those of the models on all tasks.
 */
export class OffPolicyLog {
  private readonly logs: Record<OffPolicyOutcome, LoggedDecision[]>;
  private readonly unknown: Record<OffPolicyOutcome, number>;
  /** For policies that draw: the same log gives the same estimates. */
  private readonly random = seededRandom(260_622_902);
  private decisions = 0;
  private agreed = 0;

  /** @param other a policy, or the name of the one model that is to be used for everything */
  constructor(private readonly other: Policy | string) {
    this.logs = { firstScore: [], firstCostUsd: [], taskScore: [], taskCostUsd: [] };
    this.unknown = { firstScore: 0, firstCostUsd: 0, taskScore: 0, taskCostUsd: 0 };
  }

  /** Cost of one decision and of learning from the task's attempts. */
  add(decision: FirstDecision): void {
    const shares = this.sharesOf(decision);
    if (shares) this.record(decision, shares);
    for (const { model, score, costUsd } of decision.attempts) {
      if (score === null) continue;
      const { taskId, context, neighbours } = decision;
      if (typeof this.other !== 'string')
        this.other.learn({ taskId, context, model, score, costUsd, neighbours });
    }
  }

  result(): OffPolicyComparison {
    const entries = OFF_POLICY_OUTCOMES.map((name) => [
      name,
      { ...estimateOffPolicy(this.logs[name], RANGES[name]), unknown: this.unknown[name] },
    ]);
    return {
      decisions: this.decisions,
      outcomes: Object.fromEntries(entries) as Record<OffPolicyOutcome, OutcomeEstimates>,
      agreement: this.decisions > 0 ? this.agreed / this.decisions : 0,
    };
  }

  /** Probability of each model under the other policy; `null` where it would not have made an attempt. */
  private sharesOf(decision: FirstDecision): ReadonlyMap<string, number> | null {
    if (typeof this.other === 'string') return new Map([[this.other, 1]]);
    const answer = this.other.decide(inputOf(decision), this.random);
    if (answer.action === 'stop') return null;
    return new Map(answer.candidates.map((c) => [c.model, c.probability]));
  }

  private record(decision: FirstDecision, shares: ReadonlyMap<string, number>): void {
    this.decisions += 1;
    const share = shares.get(decision.model) ?? 0;
    if (share >= Math.max(...shares.values())) this.agreed += 1;
    const line = lineOf(decision, share, shares);
    const first = decision.attempts[0];
    const outcomes: Record<OffPolicyOutcome, number | null> = {
      firstScore: first?.score ?? null,
      firstCostUsd: first?.costUsd ?? null,
      taskScore: decision.taskScore,
      taskCostUsd: decision.taskCostUsd,
    };
    for (const name of OFF_POLICY_OUTCOMES) {
      const outcome = outcomes[name];
      if (outcome === null) this.unknown[name] += 1;
      else this.logs[name].push({ ...line, outcome, ...predictionsOf(decision, shares, name) });
    }
  }
}

function inputOf(decision: FirstDecision): DecisionInput {
  return {
    context: decision.context,
    neighbours: decision.neighbours,
    candidates: decision.candidates.map((c) => ({
      model: c.model,
      predictedCostUsd: c.predictedCostUsd,
      available: c.available,
    })),
    tried: [],
    attemptsLeft: decision.attemptsLeft,
    budgetLeftUsd: decision.budgetLeftUsd,
    costWeight: decision.costWeight,
    attemptPrice: 0,
    verifierNoise: 0,
  };
}

function lineOf(
  { candidates, probability }: FirstDecision,
  share: number,
  shares: ReadonlyMap<string, number>,
): Line {
  let squaredWeight = 0;
  let support = 0;
  for (const c of candidates) {
    const wanted = shares.get(c.model) ?? 0;
    if (!(c.probability > 0) || wanted === 0) continue;
    squaredWeight += wanted ** 2 / c.probability;
    support += wanted;
  }
  return { probability, otherProbability: share, squaredWeight, support };
}

/** The logged predictions: scores for scores, costs for costs; both 0 where one of them is not known. */
function predictionsOf(
  { candidates, model }: FirstDecision,
  shares: ReadonlyMap<string, number>,
  name: OffPolicyOutcome,
): { predicted: number; otherPredicted: number } {
  const isCost = name === 'firstCostUsd' || name === 'taskCostUsd';
  const of = (c: CandidateView) => (isCost ? c.predictedCostUsd : c.predictedScore);
  const logged = candidates.find((c) => c.model === model);
  const predicted = logged ? of(logged) : null;
  let otherPredicted: number | null = 0;
  for (const c of candidates) {
    const wanted = shares.get(c.model) ?? 0;
    if (wanted === 0) continue;
    const value = of(c);
    otherPredicted = value === null || otherPredicted === null ? null : otherPredicted + wanted * value;
  }
  if (predicted === null || otherPredicted === null) return { predicted: 0, otherPredicted: 0 };
  return { predicted, otherPredicted };
}

/** What can, or cannot, be concluded from estimates of the score, in plain words. */
export function concludeOffPolicy(against: string, estimates: OutcomeEstimates): string {
  const { samples, unsupported, effectiveSamples, difference } = estimates;
  const all = samples + unsupported;
  if (samples === 0) {
    return all === 0
      ? 'Nothing can be concluded: no settled task has a judged first attempt with a logged probability.'
      : `Nothing can be concluded: what ${against} would have chosen could never have been drawn.`;
  }
  const limits =
    unsupported > 0
      ? ` It speaks of ${samples} of ${all} tasks; on the others its choice could not be drawn.`
      : '';
  const weight = `${samples} logged decisions tell as much about it as ${effectiveSamples.toFixed(1)} of its own`;
  if (effectiveSamples < MIN_EFFECTIVE_SAMPLES || difference.low === null || difference.high === null) {
    const needed = Math.ceil((samples * MIN_EFFECTIVE_SAMPLES) / effectiveSamples);
    return (
      `Nothing can be concluded about ${against}: ${weight}, and no interval holds under ${MIN_EFFECTIVE_SAMPLES}. ` +
      `At the same exploration about ${needed} decisions are needed.${limits}`
    );
  }
  const points = `${(100 * difference.low).toFixed(1)} to ${(100 * difference.high).toFixed(1)} points`;
  const said =
    difference.low > 0
      ? `${against} would have scored more on the first attempt than what was used: by ${points}`
      : difference.high < 0
        ? `${against} would have scored less on the first attempt than what was used: by ${points}`
        : `Whether ${against} would have scored more or less on the first attempt cannot be told: ${points}`;
  const caution = effectiveSamples < ENOUGH_EFFECTIVE_SAMPLES ? ' That is few: take it as a hint.' : '';
  return `${said} (95 %, doubly robust; ${weight}).${caution}${limits}`;
}
