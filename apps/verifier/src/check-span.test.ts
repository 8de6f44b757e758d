import { expect, test } from '@jest/globals';
import type { Verdict } from '@acrouter/verification/verdict';
import { checkSpan } from './check-span';

const verdict = {
  passed: true,
  score: 0.9,
  confidence: 0.5,
  conclusive: true,
  signals: [
    { kind: 'judge', status: 'passed', score: 0.9, weight: 1, evidence: { message: 'the answer is right' } },
    { kind: 'syntax', status: 'unavailable', score: null, weight: 0, evidence: { reason: 'no toolchain' } },
  ],
  sandbox: null,
  language: null,
} as unknown as Verdict;
const facts = { taskId: 't', attempt: 2, startMs: 1, endMs: 5, parent: undefined, withPrompts: false };

test('one event per signal and one for the verdict, without words of models unless asked', () => {
  const { name, events = [] } = checkSpan(verdict, facts);
  expect(name).toBe('check');
  expect(events.map((e) => e.name)).toEqual(Array(3).fill('gen_ai.evaluation.result'));
  expect(events.map((e) => e.attributes['gen_ai.evaluation.name'])).toEqual(['judge', 'syntax', 'verdict']);
  expect(events[0]?.attributes).toMatchObject({ 'gen_ai.evaluation.score.value': 0.9 });
  expect(events[1]?.attributes).not.toHaveProperty(['gen_ai.evaluation.score.value']);
  expect(events[2]?.attributes).toMatchObject({ 'gen_ai.evaluation.score.label': 'passed' });
  expect(JSON.stringify(events)).not.toContain('the answer is right');
  expect(JSON.stringify(checkSpan(verdict, { ...facts, withPrompts: true }))).toContain(
    'the answer is right',
  );
});
