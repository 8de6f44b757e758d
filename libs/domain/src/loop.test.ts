import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AttemptResult, Choice, LoopCommand, LoopEvent, LoopState } from './loop';
import { committedUsd, countedAttempts, initialState, step } from './loop';
import { DEFAULT_LIMITS } from './task';

const run = (events: LoopEvent[], limits = DEFAULT_LIMITS, nowMs = 0) => {
  let state = initialState(limits);
  const commands: LoopCommand[] = [];
  for (const event of events) {
    const next = step(state, event, nowMs);
    state = next.state;
    commands.push(...next.commands);
  }
  return { state, commands };
};
const attempt = (model: string, reserveUsd = 0.01): Choice => ({ action: 'attempt', model, reserveUsd });
const judged = (score: number, costUsd = 0.001): AttemptResult => ({
  kind: 'judged',
  score,
  solved: score === 1,
  costUsd,
  heldUsd: 0,
});
const start: LoopEvent[] = [{ type: 'submitted' }, { type: 'context-ready' }];

describe('one task', () => {
  test('is recalled, decided, executed and settled as solved', () => {
    const { state, commands } = run([
      ...start,
      { type: 'decided', turn: 1, choice: attempt('a') },
      { type: 'attempt-finished', attempt: 1, result: judged(1) },
    ]);
    expect(commands.map((c) => c.type)).toEqual(['recall', 'decide', 'execute', 'settle']);
    expect(state).toMatchObject({ phase: 'settled', outcome: 'solved', finalAttempt: 1 });
  });

  test('escalates after a failed check and keeps the best answer', () => {
    const { state } = run([
      ...start,
      { type: 'decided', turn: 1, choice: attempt('a') },
      { type: 'attempt-finished', attempt: 1, result: judged(0.6) },
      { type: 'decided', turn: 2, choice: attempt('b') },
      { type: 'attempt-finished', attempt: 2, result: judged(0.2) },
      { type: 'decided', turn: 3, choice: { action: 'stop', because: 'not-worth-it' } },
    ]);
    expect(state).toMatchObject({ outcome: 'unsolved', finalAttempt: 1 });
  });

  test('an outage does not use up an attempt', () => {
    const outage: AttemptResult = { kind: 'outage', costUsd: 0, heldUsd: 0.002 };
    const { state, commands } = run(
      [
        ...start,
        { type: 'decided', turn: 1, choice: attempt('a') },
        { type: 'attempt-finished', attempt: 1, result: outage },
      ],
      { ...DEFAULT_LIMITS, maxAttempts: 1 },
    );
    expect(state.phase).toBe('deciding');
    expect(commands.at(-1)).toEqual({ type: 'decide', turn: 2 });
    expect(committedUsd(state)).toBeCloseTo(0.002);
  });

  test('only outages settle as failed once they are too many', () => {
    const outage: AttemptResult = { kind: 'outage', costUsd: 0, heldUsd: 0 };
    const events: LoopEvent[] = [...start];
    for (let i = 1; i <= 2; i++)
      events.push(
        { type: 'decided', turn: i, choice: attempt('a') },
        { type: 'attempt-finished', attempt: i, result: outage },
      );
    expect(run(events, { ...DEFAULT_LIMITS, maxOutages: 2 }).state.outcome).toBe('failed');
  });

  test('an unverifiable answer settles at once', () => {
    const { state } = run([
      ...start,
      { type: 'decided', turn: 1, choice: attempt('a') },
      { type: 'attempt-finished', attempt: 1, result: { kind: 'unverifiable', costUsd: 0.1, heldUsd: 0 } },
    ]);
    expect(state).toMatchObject({ outcome: 'unverified', finalAttempt: 1 });
  });

  test('cancelling abandons the call in flight, and its late result changes nothing', () => {
    const { state, commands } = run([
      ...start,
      { type: 'decided', turn: 1, choice: attempt('a') },
      { type: 'cancelled' },
      { type: 'attempt-finished', attempt: 1, result: judged(1) },
    ]);
    expect(state.outcome).toBe('cancelled');
    expect(commands.slice(-2)).toEqual([
      { type: 'abandon', attempt: 1 },
      { type: 'settle', outcome: 'cancelled', finalAttempt: null },
    ]);
  });

  test('an attempt that does not fit the budget is not started', () => {
    const { state, commands } = run([...start, { type: 'decided', turn: 1, choice: attempt('a', 0.2) }], {
      ...DEFAULT_LIMITS,
      maxCostUsd: 0.1,
    });
    expect(state.outcome).toBe('over-budget');
    expect(commands.some((c) => c.type === 'execute')).toBe(false);
  });

  test('no attempt starts after the deadline', () => {
    expect(run(start, { ...DEFAULT_LIMITS, deadlineAtMs: 5 }, 10).state.outcome).toBe('expired');
  });
});

/** Any event, sensible or not, so that order, repetition and loss are all covered. */
const result: fc.Arbitrary<AttemptResult> = fc
  .record({
    kind: fc.constantFrom('judged', 'unverifiable', 'outage', 'over-budget'),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    solved: fc.boolean(),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    heldShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(
    ({ share, heldShare, ...r }) =>
      ({ ...r, costUsd: share, heldUsd: (1 - share) * heldShare }) as AttemptResult,
  );
const choice: fc.Arbitrary<Choice> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      action: fc.constant('attempt' as const),
      model: fc.constantFrom('a', 'b', 'c'),
      reserveUsd: fc.double({ min: 0, max: 0.5, noNaN: true }),
    }),
  },
  fc.record({ action: fc.constant('wait' as const), delayMs: fc.nat(1000) }),
  fc.record({
    action: fc.constant('stop' as const),
    because: fc.constantFrom('not-worth-it' as const, 'over-budget' as const, 'no-model' as const),
  }),
);
const event: fc.Arbitrary<LoopEvent> = fc.oneof(
  fc.constant<LoopEvent>({ type: 'submitted' }),
  { weight: 3, arbitrary: fc.constant<LoopEvent>({ type: 'context-ready' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('decided' as const),
      turn: fc.integer({ min: 1, max: 6 }),
      choice,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('attempt-finished' as const),
      attempt: fc.integer({ min: 1, max: 6 }),
      result,
    }),
  },
  fc.record({ type: fc.constant('wake' as const), turn: fc.integer({ min: 1, max: 6 }) }),
  { weight: 1, arbitrary: fc.constant<LoopEvent>({ type: 'cancelled' }) },
);
const limits = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  maxOutages: fc.integer({ min: 1, max: 3 }),
  maxCostUsd: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  deadlineAtMs: fc.option(fc.nat(50)),
  costWeight: fc.constant(0.1),
});

/** Scales a random result to its reservation: the executor reserves every call, so no attempt costs more. */
function withinReservation(state: LoopState, e: LoopEvent): LoopEvent {
  if (e.type !== 'attempt-finished') return e;
  const reserve = state.attempts[e.attempt - 1]?.reserveUsd ?? 0;
  return {
    ...e,
    result: { ...e.result, costUsd: e.result.costUsd * reserve, heldUsd: e.result.heldUsd * reserve },
  };
}

describe('whatever the order, repetition or loss of events', () => {
  test('at most one settlement, bounded attempts, never above the budget', () => {
    fc.assert(
      fc.property(limits, fc.array(event, { maxLength: 60 }), (l, events) => {
        let state = initialState(l);
        let settlements = 0;
        const executed = new Set<number>();
        events.forEach((raw, nowMs) => {
          const next = step(state, withinReservation(state, raw), nowMs);
          for (const c of next.commands) {
            if (c.type === 'settle') settlements++;
            if (c.type !== 'execute') continue;
            expect(executed.has(c.attempt)).toBe(false);
            executed.add(c.attempt);
          }
          state = next.state;
          expect(countedAttempts(state)).toBeLessThanOrEqual(l.maxAttempts);
          expect(state.attempts.filter((a) => a.result === null).length).toBeLessThanOrEqual(1);
          if (l.maxCostUsd !== null) expect(committedUsd(state)).toBeLessThanOrEqual(l.maxCostUsd + 1e-9);
        });
        expect(settlements).toBe(state.phase === 'settled' ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('every event given twice leads where it leads once', () => {
    fc.assert(
      fc.property(limits, fc.array(event, { maxLength: 40 }), (l, events) => {
        const twice = events.flatMap((e) => [e, e]);
        // A repeated "submitted" asks for the recall again; that command is idempotent by its task id.
        const strip = (cs: LoopCommand[]) => cs.filter((c) => c.type !== 'recall');
        expect(run(twice, l).state).toEqual(run(events, l).state);
        expect(strip(run(twice, l).commands)).toEqual(strip(run(events, l).commands));
      }),
      { numRuns: 1000 },
    );
  });

  test('a task whose commands are all carried out settles', () => {
    fc.assert(
      fc.property(
        limits,
        fc.array(fc.tuple(choice, result), { minLength: 60, maxLength: 60 }),
        (l, script) => {
          let next = step(initialState({ ...l, deadlineAtMs: 1e9 }), { type: 'context-ready' }, 0);
          for (const [c, r] of script) {
            const command = next.commands.at(-1);
            if (!command || command.type === 'settle') break;
            if (command.type === 'decide')
              next = step(next.state, { type: 'decided', turn: command.turn, choice: c }, 0);
            else if (command.type === 'wake')
              next = step(next.state, { type: 'wake', turn: command.turn }, 0);
            else if (command.type === 'execute')
              next = step(next.state, { type: 'attempt-finished', attempt: command.attempt, result: r }, 0);
          }
          const waits = script.filter(([c]) => c.action === 'wait').length;
          const refusals = script.filter(([, r]) => r.kind === 'over-budget').length;
          if (waits + refusals < 20) expect(next.state.phase).toBe('settled');
        },
      ),
      { numRuns: 500 },
    );
  });
});
