import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { randomUUID } from 'node:crypto';
import { consistencyFinding } from './consistency';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({});
}, 60_000);
afterAll(() => sandbox.close());

const find = (language: CheckedLanguage, prompt: string, answers: string[]) =>
  consistencyFinding(
    { prompt },
    language,
    answers[0] ?? '',
    answers.slice(1).map((answer, i) => ({ name: `sample ${i + 1}`, answer })),
    { sandbox, token: randomUUID },
  );

const PROMPT = 'def add_up(values: List[int]) -> int:\n    """Return the sum of the values."""\n';
const RIGHT = 'def add_up(values):\n    return sum(values)\n';
const ALSO_RIGHT =
  '```python\ndef add_up(values):\n    s = 0\n    for v in values:\n        s += v\n    return s\n```';
const WRONG = 'def add_up(values):\n    return max(values) if values else 0\n';

describe('answers to one task, run on the same inputs', () => {
  test('right ones agree, a wrong one stands alone', async () => {
    const right = await find('python', PROMPT, [RIGHT, ALSO_RIGHT, WRONG]);
    expect(right).toMatchObject({ kind: 'consistency', status: 'passed', evidence: { answers: 3 } });
    expect(right.evidence['agrees']).toMatchObject({ 'sample 1': 1 });
    expect(right.evidence['examples']).toContain('add_up([])');
    const wrong = await find('python', PROMPT, [WRONG, RIGHT, ALSO_RIGHT]);
    expect(wrong.score).toBeLessThan(right.score ?? 0);
  }, 120_000);

  test('TypeScript and JavaScript too: values are compared as data', async () => {
    const prompt = 'Write `function tally(words: string[]): Record<string, number>`.';
    const typed = (body: string) => `function tally(words: string[]): Record<string, number> { ${body} }`;
    const one = typed(
      'const t: Record<string, number> = {}; for (const w of words) t[w] = (t[w] ?? 0) + 1; return t;',
    );
    const other = typed('return words.reduceRight((t, w) => ({ ...t, [w]: (t[w] || 0) + 1 }), {} as any);');
    expect(await find('typescript', prompt, [one, other])).toMatchObject({
      score: 1,
      evidence: { answers: 2 },
    });
    const calls = 'Write a function inc(x). inc(1), inc(2.5) and inc("a") must work.';
    const [plus, wrong] = ['const inc = (x) => x + 1;', 'const inc = (x) => x - -2;'];
    expect(await find('javascript', calls, [plus, plus, wrong])).toMatchObject({ score: 0.5 });
  }, 120_000);

  test.each([
    ['an answer that never ends', 'def add_up(values):\n    while True:\n        pass\n', RIGHT],
    ['an answer that ends the process', 'import os\nos._exit(0)\n', RIGHT],
    ['an answer that is no program', 'def add_up(', RIGHT],
    ['no other answer that runs', RIGHT, 'raise SystemExit'],
    ['results of a class of its own', 'class R: pass\ndef add_up(values):\n    return R()\n', RIGHT],
  ])(
    '%s: nothing is said',
    async (_, own, other) => {
      expect(await find('python', PROMPT, [own, other])).toMatchObject({
        status: 'unavailable',
        score: null,
      });
    },
    120_000,
  );

  test('an answer cannot say for itself that it agrees', async () => {
    const forged = `import sys
def add_up(values):
    print("0" * 400)
    raise AssertionError("0" * 400)
`;
    const found = await find('python', PROMPT, [forged, RIGHT, ALSO_RIGHT]);
    expect(found).toMatchObject({ status: 'failed', score: 0 });
  }, 120_000);

  test.each([
    ['no function is named', 'python', 'Print something.'],
    ['nothing tells the inputs', 'python', 'def add_up(values):'],
    ['a language that is not compared', 'go', 'func addUp(values []int) int {'],
  ] as const)('%s: nothing is said', async (_, language, prompt) => {
    expect(await find(language, prompt, [RIGHT, RIGHT])).toMatchObject({ status: 'unavailable' });
  });
});
