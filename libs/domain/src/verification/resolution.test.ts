import { describe, expect, test } from '@jest/globals';
import { compareRuns } from './resolution';
import type { TestCase } from './test-report';

const run = (results: Record<string, TestCase['status']>): TestCase[] =>
  Object.entries(results).map(([name, status]) => ({ name, group: '', file: null, status, message: null }));
const before = run({ bug: 'failed', old: 'passed', other: 'passed', off: 'skipped' });

describe('a change is resolved', () => {
  test('when what failed passes and what passed still does', () => {
    const after = run({ bug: 'passed', old: 'passed', other: 'passed', off: 'skipped' });
    expect(compareRuns(before, after, { failToPass: ['bug'] })).toEqual({
      kind: 'compared',
      resolved: true,
      share: 1,
      failToPass: { required: 1, passed: 1, unmet: [] },
      passToPass: { required: 2, passed: 2, unmet: [] },
    });
  });

  test.each<[string, Record<string, TestCase['status']>, number]>([
    ['the bug is still there', { bug: 'failed', old: 'passed', other: 'passed' }, 2 / 3],
    ['something broke', { bug: 'passed', old: 'failed', other: 'passed' }, 2 / 3],
    ['a test disappeared', { bug: 'passed', old: 'passed' }, 2 / 3],
    ['a test is skipped now', { bug: 'passed', old: 'skipped', other: 'passed' }, 2 / 3],
    ['nothing is left', {}, 0],
  ])('but not when %s', (_name, after, share) => {
    expect(compareRuns(before, run(after), { failToPass: ['bug'] })).toMatchObject({
      resolved: false,
      share,
    });
  });

  test('a test that is there twice must pass twice', () => {
    const after = [...run({ bug: 'passed', old: 'passed', other: 'passed' }), ...run({ bug: 'failed' })];
    expect(compareRuns(before, after, { failToPass: ['bug'] })).toMatchObject({ resolved: false });
  });

  test('only the tests named count where pass→pass is given', () => {
    const after = run({ bug: 'passed', old: 'passed', other: 'failed' });
    const required = { failToPass: ['bug'], passToPass: ['old'] };
    expect(compareRuns(before, after, required)).toMatchObject({ resolved: true, share: 1 });
  });
});

test.each([
  ['a test that should fail passes before', { failToPass: ['old'] }, '"old" should fail'],
  ['a test that should pass fails before', { passToPass: ['bug'] }, '"bug" should pass'],
  ['a test that should pass is not there', { passToPass: ['none'] }, '"none" should pass'],
])('%s: nothing is said of the answer', (_name, required, reason) => {
  const compared = compareRuns(before, before, required);
  expect(compared).toMatchObject({ kind: 'unusable', reason: expect.stringContaining(reason) });
});

test('without any test nothing is said', () => {
  expect(compareRuns([], run({ a: 'passed' }), {}).kind).toBe('unusable');
});
