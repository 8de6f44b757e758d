import { describe, expect, test } from '@jest/globals';
import { disputedExamples, ENOUGH_ANSWERS, withoutDisputed, type ExampleVerdict } from './disputed';
import type { Finding } from './signals';

/** An answer's finding on two examples: `gots` are its results where they differ from the prompt's. */
function finding(gots: Record<string, string>, total = 2): Finding {
  const failures = Object.entries(gots).map(([source, got]) => ({ source, want: '15.0', got }));
  const passed = total - failures.length;
  const right = passed === total;
  return {
    kind: 'prompt-tests',
    status: right ? 'passed' : 'failed',
    score: passed / total,
    evidence: { passed, total, failures },
  };
}
const answers = (count: number, of: (i: number) => Finding): ExampleVerdict[] =>
  Array.from({ length: count }, (_, i) => ({ model: `m${i % 3}`, finding: of(i) }));

describe('disputedExamples', () => {
  test('an example that nobody meets and most contradict in the same way', () => {
    const all = answers(ENOUGH_ANSWERS, (i) => finding({ 'median(x)': i < 8 ? '8.0' : '7' }));
    expect(disputedExamples(all)).toEqual([
      { source: 'median(x)', want: '15.0', agreed: '8.0', answers: ENOUGH_ANSWERS },
    ]);
  });

  test.each<[string, ExampleVerdict[]]>([
    ['one answer meets it', answers(12, (i) => finding(i === 11 ? {} : { f: '8.0' }))],
    ['there are too few answers', answers(11, () => finding({ f: '8.0' }))],
    ['they come from one model', answers(12, () => finding({ f: '8.0' })).map((a) => ({ ...a, model: 'm' }))],
    ['they do not agree', answers(12, (i) => finding({ f: String(i % 4) }))],
    ['they agree on an error', answers(12, () => finding({ f: 'TypeError: x' }))],
    ['they did not run it', answers(12, () => finding({ f: '8.0' }, 0))],
    ['there are none', []],
  ])('not when %s', (_why, all) => {
    expect(disputedExamples(all)).toEqual([]);
  });
});

describe('withoutDisputed', () => {
  const disputed = [{ source: 'f', want: '15.0', agreed: '8.0', answers: 12 }];

  test('an answer that fails nothing else passes, and the evidence says why', () => {
    const result = withoutDisputed(finding({ f: '8.0' }), disputed);
    expect(result).toMatchObject({
      status: 'passed',
      score: 1,
      evidence: { total: 1, failures: [], disputed },
    });
  });

  test('one that fails another example still fails', () => {
    expect(withoutDisputed(finding({ f: '8.0', g: '1' }), disputed)).toMatchObject({
      status: 'failed',
      score: 0,
    });
  });

  test('with nothing left it says nothing', () => {
    expect(withoutDisputed(finding({ f: '8.0' }, 1), disputed)).toMatchObject({
      status: 'unavailable',
      score: null,
    });
  });

  test('other findings are not touched', () => {
    const tests: Finding = { kind: 'tests', status: 'failed', score: 0, evidence: { total: 2 } };
    expect(withoutDisputed(tests, disputed)).toBe(tests);
    const right = finding({});
    expect(withoutDisputed(right, disputed)).toBe(right);
  });
});
