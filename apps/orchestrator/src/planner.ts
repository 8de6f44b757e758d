import { bytesToVector, type Recalled } from '@acrouter/db/context-store';
import type { LockedTask } from '@acrouter/db/state-store';
import { countedAttempts } from '@acrouter/domain/loop';
import type {
  Candidate,
  Decision,
  DecisionInput,
  Policy,
  Random,
  TaskContext,
  Tried,
} from '@acrouter/domain/routing/policy';
import { worstCaseCost, type Price } from '@acrouter/domain/task';
import type { Dimension } from '@acrouter/domain/task';
import { inputTokensBound } from './token-bound';

/** Output tokens of a typical answer, for a first guess at its cost; policies correct it from experience. */
const TYPICAL_OUTPUT_TOKENS = 400;
/** Shortest and longest pause while every model cools down. */
const MIN_WAIT_MS = 250;
const MAX_WAIT_MS = 30_000;

/** A model of the pool as the planner needs it. */
export interface PlannedModel {
  id: string;
  price: Price;
  maxOutputTokens: number;
  simulated: boolean;
}

/** Everything that a plan depends on, read by the caller. */
export interface PlanInput {
  task: LockedTask;
  context: Recalled;
  /** Models whose provider refused this prompt before. */
  refusedBy: readonly string[];
  models: readonly PlannedModel[];
  /** Model → end of its cool-down, Unix ms. */
  coolingUntilMs: ReadonlyMap<string, number>;
  /** Left in the tightest budget, USD; `null` = no budget. */
  budgetLeftUsd: number | null;
  attemptPrice: number;
  nowMs: number;
}

/** What the orchestrator does next for one task. */
export type Plan = { input: DecisionInput; /** Time the policy itself took, ms. */ decideMs: number } & (
  | {
      action: 'attempt';
      model: PlannedModel;
      reserveUsd: number;
      decision: Extract<Decision, { action: 'attempt' }>;
    }
  | { action: 'wait'; delayMs: number; reason: string }
  | {
      action: 'stop';
      because: 'not-worth-it' | 'over-budget' | 'no-model';
      reason: string;
      decision: Decision | null;
    }
);

/**
 * Plans the next attempt: says which models can be had now and what each may cost, and asks the policy.
 * O(M) besides the policy. Never throws for models that the policy has never seen.
 */
export function plan(input: PlanInput, policy: Policy, random: Random): Plan {
  const offers = input.models.map((model) => offer(model, input));
  const decisionInput = toDecisionInput(input, offers);
  if (!offers.some((o) => o.available)) return withoutModels(input, offers, decisionInput);
  const startedMs = performance.now();
  const decision = policy.decide(decisionInput, random);
  const base = { input: decisionInput, decideMs: performance.now() - startedMs };
  if (decision.action === 'stop') {
    const because = input.task.state.attempts.length > 0 ? 'not-worth-it' : 'no-model';
    return { ...base, action: 'stop', because, reason: decision.reason, decision };
  }
  const chosen = offers.find((o) => o.model.id === decision.model);
  if (!chosen) throw new Error(`Policy ${policy.name} chose ${decision.model}, which was not offered`);
  return { ...base, action: 'attempt', model: chosen.model, reserveUsd: chosen.reserveUsd, decision };
}

interface Offer {
  model: PlannedModel;
  reserveUsd: number;
  predictedCostUsd: number;
  affordable: boolean;
  coolingUntilMs: number;
  refused: boolean;
  available: boolean;
}

function offer(model: PlannedModel, input: PlanInput): Offer {
  const tokens = inputTokensBound(input.task.prompt_bytes);
  const reserveUsd = worstCaseCost(tokens, model.maxOutputTokens, model.price);
  const affordable = input.budgetLeftUsd === null || reserveUsd <= input.budgetLeftUsd;
  const coolingUntilMs = input.coolingUntilMs.get(model.id) ?? 0;
  // A provider that refused this prompt (too long, filtered) would refuse it again.
  const refused = input.refusedBy.includes(model.id);
  return {
    model,
    reserveUsd,
    predictedCostUsd: worstCaseCost(input.task.prompt_bytes / 4, TYPICAL_OUTPUT_TOKENS, model.price),
    affordable,
    coolingUntilMs,
    refused,
    available: affordable && !refused && coolingUntilMs <= input.nowMs,
  };
}

function toDecisionInput(input: PlanInput, offers: readonly Offer[]): DecisionInput {
  const { task, context } = input;
  const candidates = offers.map((o): Candidate => ({
    model: o.model.id,
    predictedCostUsd: o.predictedCostUsd,
    available: o.available,
  }));
  return {
    context: taskContext(task, context),
    neighbours: context.neighbours,
    candidates,
    tried: triedOf(task),
    attemptsLeft: Math.max(1, task.state.limits.maxAttempts - countedAttempts(task.state)),
    budgetLeftUsd: input.budgetLeftUsd,
    costWeight: task.cost_weight,
    attemptPrice: input.attemptPrice,
    verifierNoise: 0,
  };
}

function taskContext(task: LockedTask, context: Recalled): TaskContext {
  return {
    dimension: context.dimension as Dimension,
    language: context.language,
    source: task.source,
    difficulty: null,
    features: bytesToVector(context.embedding),
  };
}

function triedOf(task: LockedTask): Tried[] {
  return task.state.attempts.flatMap(({ model, result }) =>
    result?.kind === 'judged' ? [{ model, score: result.score, costUsd: result.costUsd }] : [],
  );
}

function withoutModels(input: PlanInput, offers: readonly Offer[], decisionInput: DecisionInput): Plan {
  const base = { input: decisionInput, decideMs: 0 };
  const cooling = offers.filter((o) => o.affordable && !o.refused);
  if (cooling.length > 0) {
    const first = Math.min(...cooling.map((o) => o.coolingUntilMs));
    const delayMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, first - input.nowMs));
    return {
      ...base,
      action: 'wait',
      delayMs,
      reason: 'every model that could be used is cooling down after an outage',
    };
  }
  const dear = offers.some((o) => !o.affordable);
  return {
    ...base,
    action: 'stop',
    because: dear ? 'over-budget' : 'no-model',
    reason: dear
      ? 'the worst case of every model is above what the budget has left'
      : 'every provider refused this prompt',
    decision: null,
  };
}
