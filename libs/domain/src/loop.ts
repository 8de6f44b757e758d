import type { Outcome, TaskLimits } from './task';

/**
 * The loop Context → Action → Feedback → Context as a pure function (must 3 of docs/architecture.md).
 * The orchestrator feeds it events and carries out the commands; nothing else decides what happens next.
 * Events may be repeated, reordered or lost: one that does not fit the state changes nothing.
 */

/** Where a task is. `deciding` lasts within one transaction; `waiting` until a provider's cool-down ends. */
export type Phase = 'context' | 'deciding' | 'waiting' | 'attempting' | 'settled';

/** What came of an attempt. `heldUsd`: worst case of calls that may have been billed though nobody said so. */
export type AttemptResult = { costUsd: number; heldUsd: number } & (
  | { kind: 'judged'; score: number; solved: boolean }
  | { kind: 'unverifiable' }
  | { kind: 'outage' }
  | { kind: 'over-budget' }
);

export interface AttemptState {
  attempt: number;
  model: string;
  /** Reserved before the call, USD; what the attempt counts for until its result is known. */
  reserveUsd: number;
  result: AttemptResult | null;
}

export interface LoopState {
  phase: Phase;
  limits: TaskLimits;
  /** Decisions asked for so far; names the decision in progress. */
  turn: number;
  attempts: readonly AttemptState[];
  outcome: Outcome | null;
  /** The attempt whose answer is the task's answer; `null` when there is none. */
  finalAttempt: number | null;
}

/** A decision as the loop needs it. */
export type Choice =
  | { action: 'attempt'; model: string; reserveUsd: number }
  | { action: 'wait'; delayMs: number }
  | { action: 'stop'; because: 'not-worth-it' | 'over-budget' | 'no-model' };

export type LoopEvent =
  | { type: 'submitted' }
  | { type: 'context-ready' }
  | { type: 'decided'; turn: number; choice: Choice }
  | { type: 'attempt-finished'; attempt: number; result: AttemptResult }
  | { type: 'wake'; turn: number }
  | { type: 'cancelled' };

export type LoopCommand =
  | { type: 'recall' }
  | { type: 'decide'; turn: number }
  | { type: 'execute'; attempt: number; model: string; reserveUsd: number }
  | { type: 'wake'; turn: number; delayMs: number }
  | { type: 'abandon'; attempt: number }
  | { type: 'settle'; outcome: Outcome; finalAttempt: number | null };

export interface Step {
  state: LoopState;
  commands: LoopCommand[];
}

/** State of a task that was accepted and not yet submitted to the loop. */
export function initialState(limits: TaskLimits): LoopState {
  return { phase: 'context', limits, turn: 0, attempts: [], outcome: null, finalAttempt: null };
}

/**
 * Next state and what to do for `event`, at Unix time `nowMs`.
 * Pure and total: returns the same state and no commands for an event that comes twice, late or never should.
 */
export function step(state: LoopState, event: LoopEvent, nowMs: number): Step {
  if (state.phase === 'settled') return unchanged(state);
  switch (event.type) {
    case 'submitted':
      return state.phase === 'context' ? { state, commands: [{ type: 'recall' }] } : unchanged(state);
    case 'context-ready':
      return state.phase === 'context' ? nextTurn(state, nowMs) : unchanged(state);
    case 'decided':
      return state.phase === 'deciding' && event.turn === state.turn
        ? carryOut(state, event.choice, nowMs)
        : unchanged(state);
    case 'attempt-finished':
      return finishAttempt(state, event.attempt, event.result, nowMs);
    case 'wake':
      return state.phase === 'waiting' && event.turn === state.turn
        ? nextTurn(state, nowMs)
        : unchanged(state);
    case 'cancelled':
      return cancel(state);
  }
}

/** USD that the task has cost or may still cost: known costs, held unknowns and open reservations. */
export function committedUsd(state: LoopState): number {
  return state.attempts.reduce(
    (sum, a) => sum + (a.result ? a.result.costUsd + a.result.heldUsd : a.reserveUsd),
    0,
  );
}

/** Attempts that were judged, or could not be, and so count against `maxAttempts`. */
export function countedAttempts(state: LoopState): number {
  return state.attempts.filter((a) => a.result === null || countsAsAttempt(a.result)).length;
}

const countsAsAttempt = (r: AttemptResult): boolean => r.kind === 'judged' || r.kind === 'unverifiable';

const unchanged = (state: LoopState): Step => ({ state, commands: [] });

function nextTurn(state: LoopState, nowMs: number): Step {
  const { limits } = state;
  const fruitless = state.attempts.filter((a) => a.result !== null && !countsAsAttempt(a.result));
  if (limits.deadlineAtMs !== null && nowMs >= limits.deadlineAtMs) return settle(state, 'expired');
  if (countedAttempts(state) >= limits.maxAttempts) return settle(state, 'unsolved');
  if (fruitless.length >= limits.maxOutages)
    return settle(state, fruitless.at(-1)?.result?.kind === 'over-budget' ? 'over-budget' : 'failed');
  const turn = state.turn + 1;
  return { state: { ...state, phase: 'deciding', turn }, commands: [{ type: 'decide', turn }] };
}

function carryOut(state: LoopState, choice: Choice, nowMs: number): Step {
  switch (choice.action) {
    case 'stop':
      return settle(state, choice.because === 'over-budget' ? 'over-budget' : 'failed');
    case 'wait':
      return waitFor(state, choice.delayMs, nowMs);
    case 'attempt':
      return startAttempt(state, choice.model, choice.reserveUsd);
  }
}

function waitFor(state: LoopState, delayMs: number, nowMs: number): Step {
  const { deadlineAtMs } = state.limits;
  if (deadlineAtMs !== null && nowMs + delayMs >= deadlineAtMs) return settle(state, 'expired');
  return {
    state: { ...state, phase: 'waiting' },
    commands: [{ type: 'wake', turn: state.turn, delayMs }],
  };
}

function startAttempt(state: LoopState, model: string, reserveUsd: number): Step {
  const { maxCostUsd } = state.limits;
  if (maxCostUsd !== null && committedUsd(state) + reserveUsd > maxCostUsd)
    return settle(state, 'over-budget');
  const attempt = state.attempts.length + 1;
  return {
    state: {
      ...state,
      phase: 'attempting',
      attempts: [...state.attempts, { attempt, model, reserveUsd, result: null }],
    },
    commands: [{ type: 'execute', attempt, model, reserveUsd }],
  };
}

function finishAttempt(state: LoopState, attempt: number, result: AttemptResult, nowMs: number): Step {
  const open = state.attempts[attempt - 1];
  if (!open || open.result !== null) return unchanged(state);
  const attempts = state.attempts.map((a) => (a.attempt === attempt ? { ...a, result } : a));
  const next: LoopState = { ...state, attempts };
  if (result.kind === 'judged' && result.solved) return settle(next, 'solved', attempt);
  // A second opinion on an answer that nothing can check would cost money and settle nothing.
  if (result.kind === 'unverifiable') return settle(next, 'unverified', attempt);
  return nextTurn(next, nowMs);
}

function cancel(state: LoopState): Step {
  const inFlight = state.attempts.find((a) => a.result === null);
  const settled = settle(state, 'cancelled', null);
  const abandon: LoopCommand[] = inFlight ? [{ type: 'abandon', attempt: inFlight.attempt }] : [];
  return { state: settled.state, commands: [...abandon, ...settled.commands] };
}

/**
 * Ends the task. A reason other than `solved`, `unverified` or `cancelled` gives way to `unsolved` as soon as
 * one attempt was judged: its best answer is what the user gets.
 */
function settle(state: LoopState, reason: Outcome, finalAttempt?: number | null): Step {
  const best = finalAttempt === undefined ? bestJudged(state) : finalAttempt;
  const outcome = finalAttempt === undefined && best !== null ? 'unsolved' : reason;
  return {
    state: { ...state, phase: 'settled', outcome, finalAttempt: best },
    commands: [{ type: 'settle', outcome, finalAttempt: best }],
  };
}

function bestJudged(state: LoopState): number | null {
  let best: { attempt: number; score: number } | null = null;
  for (const { attempt, result } of state.attempts)
    if (result?.kind === 'judged' && (best === null || result.score > best.score))
      best = { attempt, score: result.score };
  return best?.attempt ?? null;
}
