import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import type { Verdict } from './verdict';
import { verifyAnswer } from './verify';

jest.setTimeout(300_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

/** A small generator with a seed, so that a failure can be repeated (source: Tommy Ettinger, mulberry32). */
function generator(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PIECES = [
  '```',
  '```python\n',
  'def f(x):\n',
  '    return ',
  '"""',
  "'''",
  '\n',
  '\t',
  '(',
  ')',
  '\0',
  '\ud800',
  '\u2028',
  '>>> ',
  '\\',
  'f',
  '0',
  '\r',
  '{',
  '`',
];

function randomText(random: () => number): string {
  const length = Math.floor(random() * 200);
  if (random() < 0.3)
    return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256))).toString('utf8');
  if (random() < 0.5)
    return Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 0x10000))).join('');
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join('');
}

const task = (language: string) => ({
  prompt: 'def f(x):\n    """Twice x.\n    >>> f(2)\n    4\n    """\n',
  language,
  verification: {
    tests: language === 'python' ? 'assert f(3) == 6' : 'if (f(3) !== 6) throw new Error();',
    entryPoint: 'f',
  },
});

const judge = (answer: string, language: string): Promise<Verdict> =>
  verifyAnswer(task(language), answer, { sandbox, token: randomUUID });

function isVerdict(verdict: Verdict): boolean {
  const numbers = [verdict.score, verdict.confidence];
  return (
    numbers.every((n) => n >= 0 && n <= 1) &&
    !verdict.passed &&
    verdict.refused === null &&
    verdict.conclusive
  );
}

/**
 * 1,000 byte strings, each once through the whole verifier. Their reading as programs, in every language, is
 * hostile-text.test.ts of libs/domain.
 */
test.each([
  ['python', 750],
  ['javascript', 250],
])('random answers in %s (%d of 1,000) get a verdict, and none passes', async (language, count) => {
  const random = generator(20_261_123);
  const answers = Array.from({ length: count }, () => randomText(random));
  const atOnce = Math.max(2, availableParallelism());
  const odd: string[] = [];
  const work = async (): Promise<void> => {
    for (let answer = answers.pop(); answer !== undefined; answer = answers.pop())
      if (!isVerdict(await judge(answer, language))) odd.push(answer);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  expect(odd).toEqual([]);
});

test.each([
  ['nothing', ''],
  ['blanks', ' \n\t\n '],
  ['NULs', '\0'.repeat(1_000)],
  ['NUL in code', 'def f(x):\n    return 2 * x\0'],
  ['a 200 KB line', 'x'.repeat(200_000)],
  ['a 200 KB line of brackets', '('.repeat(200_000)],
  ['a 200 KB line of fences', '```'.repeat(66_000)],
  ['a 200 KB expression', `x = ${'1+'.repeat(100_000)}1`],
  ['a 200 KB text of words', 'Here is what I think of it. '.repeat(7_000)],
  ['20,000 fences', '```python\nx\n```\n'.repeat(20_000)],
  ['20,000 empty lines', '\n'.repeat(20_000)],
  ['lone surrogates', '\ud800\udc00\udfff\ud800'.repeat(100)],
  ['broken UTF-8', Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xe2, 0x82]).toString('utf8')],
  ['escape codes', '\u001b[2J\u001b]0;x\u0007'.repeat(50)],
  ['deep nesting', 'if 1:\n'.repeat(150) + 'x'],
  ['very deep indentation', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}if 1:`).join('\n')],
])('%s gets a verdict, in Python and in JavaScript', async (_name, answer) => {
  expect(isVerdict(await judge(answer, 'python'))).toBe(true);
  expect(isVerdict(await judge(answer, 'javascript'))).toBe(true);
});
