import { describe, expect, test } from '@jest/globals';
import { preambleOf, readPrograms } from './extract';
import { CHECKED_LANGUAGES, guessLanguage, type CheckedLanguage } from './languages';
import { entryPointOf, findPromptExamples } from './prompt-tests';
import { ruleFinding } from './rules';

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

const prompt = 'def f(x):\n    """Twice x.\n    >>> f(2)\n    4\n    """\n';

/** Everything that reads the text of an answer or of a prompt before any sandbox does. */
function readAll(text: string, languages: readonly CheckedLanguage[] = CHECKED_LANGUAGES): void {
  guessLanguage(text);
  for (const language of languages) {
    const programs = readPrograms(text, { language, prompt, entryPoint: 'f' });
    expect(programs.length).toBeLessThanOrEqual(12);
    for (const program of programs) expect(typeof program.text).toBe('string');
  }
  const rules = ruleFinding(text, 'f');
  expect(rules.score).toBeGreaterThanOrEqual(0);
  expect(rules.score).toBeLessThanOrEqual(1);
  for (const language of ['python', 'javascript'] as const) {
    entryPointOf(text, language);
    preambleOf({ language, prompt: text, entryPoint: 'f' });
    expect(findPromptExamples(text, language, 'f').length).toBeLessThanOrEqual(50);
  }
}

test('1,000 random byte strings are read without an exception', () => {
  const random = generator(20_261_124);
  for (let i = 0; i < 1_000; i++) {
    const bytes = Array.from({ length: Math.floor(random() * 400) }, () => Math.floor(random() * 256));
    readAll(Buffer.from(bytes).toString(i % 2 === 0 ? 'utf8' : 'latin1'));
  }
});

const TWO = ['python', 'javascript'] as const;

/** Each took seconds to hours with an expression that backtracks; what hangs here fails by the test's time limit. */
describe('200 KB of one thing is read at once:', () => {
  test.each([
    ['line ends', '\n'],
    ['blanks', ' '],
    ['blank lines', ' \n'],
    ['backticks', '`'],
    ['tildes', '~\n'],
    ['opening fences', '```python\n'],
    ['definitions without an end', 'def f(\n'],
    ['annotations without a value', 'f:\n'],
    ['calls in calls', 'f('],
    ['calls', 'f(1) '],
    ['comparisons', 'f(1) == '],
    ['digits', '1'],
    ['quotes', '"'],
    ['backslashes and quotes', '\\"'],
    ['comment marks', ' #'],
    ['slashes', ' //'],
    ['doctest prompts', '>>> x\n'],
    ['inputs', 'Input: 1\n'],
    ['outputs', 'Output: . . '],
    ['dots', '.'],
    ['type parameters', 'fn f<\n'],
    ['functions', 'function '],
    ['types of TypeScript', 'function f(a\n'],
    ['requires', 'const a = require( '],
    ['imports', 'import a from '],
    ['for', 'for n = 1, '],
    ['brackets', '['],
    ['arrows', '=> '],
    ['words', 'Here is what I think of it. '],
    ['escapes', '\u001b[31m'],
    ['lone surrogates', '\ud800'],
    ['NULs', '\0'],
  ])('%s', (_name, piece) => {
    const many = piece.repeat(Math.ceil(200_000 / piece.length));
    readAll(many, TWO);
    readAll(`\`\`\`${many}\``, TWO);
    readAll(`f(1) == ${many}x`, TWO);
    readAll(`>>> f(1)${many}x'\n`, TWO);
    readAll(`Output: ${many}x\nInput: ${many}`, TWO);
  });
});
