import type { TaskSpec } from '@acrouter/contracts/task-file';
import type { Verdict } from '@acrouter/verification/verdict';
import { describe, expect, test } from '@jest/globals';
import { Agreement, setDisputedAside, tasksToCompare, type Checked } from './verify-batch';

/** An answer of one of three models that fails the examples in `gots`, of two. */
function checked(i: number, gots: Record<string, string>, truth?: boolean): Checked {
  const failures = Object.entries(gots).map(([source, got]) => ({ source, want: '15.0', got }));
  const passed = 2 - failures.length;
  const right = failures.length === 0;
  const verdict: Verdict = {
    passed: right,
    score: passed / 2,
    confidence: 0.8,
    conclusive: true,
    signals: [
      {
        kind: 'prompt-tests',
        status: right ? 'passed' : 'failed',
        score: passed / 2,
        weight: 1,
        evidence: { passed, total: 2, failures },
      },
    ],
    code: '',
    way: 'whole',
    language: 'python',
    durationMs: 1,
    sandbox: 'bubblewrap',
    refused: null,
  };
  const rest = { model: `m${i % 3}`, ...(truth === undefined ? {} : { recorded_passed: truth }) };
  return { answer: { taskId: 't', completion: '', rest }, verdict };
}

describe('setDisputedAside', () => {
  test('answers that fail only what all of them contradict pass', () => {
    const all = Array.from({ length: 12 }, (_, i) => checked(i, i === 0 ? { f: '8', g: '1' } : { f: '8' }));
    const after = setDisputedAside(all);
    expect(after.map(({ verdict }) => verdict.passed)).toEqual([false, ...Array<boolean>(11).fill(true)]);
    expect(after[1]?.verdict.signals[0]?.evidence['disputed']).toHaveLength(1);
  });

  test('nothing changes where one of them meets it', () => {
    const all = Array.from({ length: 12 }, (_, i) => checked(i, i === 0 ? {} : { f: '8' }));
    expect(setDisputedAside(all)).toEqual(all);
  });
});

test('only tasks without tests and with twelve answers are compared', () => {
  const answers = ['a', 'b', 'c'].flatMap((taskId) =>
    Array.from({ length: taskId === 'c' ? 11 : 12 }, () => ({ taskId, completion: '', rest: {} })),
  );
  const tasks = new Map<string, TaskSpec>([
    ['a', { prompt: 'a', verification: { tests: 'assert f() == 1' } }],
    ['b', { prompt: 'b' }],
    ['c', { prompt: 'c' }],
  ]);
  expect([...tasksToCompare(answers, tasks)]).toEqual(['b']);
});

describe('Agreement', () => {
  test('says how verdicts and records agree, and what failing some examples means', () => {
    const agreement = new Agreement();
    for (const [gots, truth] of [
      [{}, true],
      [{}, false],
      [{ f: '8' }, true],
      [{ f: '8' }, false],
      [{ f: '8', g: '1' }, false],
    ] as [Record<string, string>, boolean][])
      agreement.add(checked(0, gots, truth));
    expect(agreement.line()).toBe(
      'Against recorded verdicts: 3 of 5 agree (60.00 %): 1 right and passed, 2 wrong and failed, 1 wrong but passed, 1 right but failed; 0 not verified. Of 2 that met some examples and not others, 1 were right.',
    );
  });

  test('says nothing without records', () => {
    const agreement = new Agreement();
    agreement.add(checked(0, {}));
    expect(agreement.line()).toBeNull();
  });
});
