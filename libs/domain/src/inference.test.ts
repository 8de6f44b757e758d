import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { inferDimension, inferLanguage, knownLanguage, UNKNOWN_LANGUAGE } from './inference';
import type { Dimension } from './task';

const OWN: readonly (readonly [dimension: Dimension, language: string, prompt: string])[] = [
  ['code_generation', 'python', 'Write a Python class `Stack` with push, pop and peek.'],
  ['code_generation', 'javascript', 'Create an Express endpoint in Node.js that echoes its JSON body.'],
  ['code_generation', 'unknown', 'Implement a small command line tool that greets its user.'],
  [
    'algorithm',
    'unknown',
    'Read N from standard input.\n\nConstraints\n1 <= N <= 10^5\n\nPrint the answer modulo 10^9 + 7.',
  ],
  [
    'algorithm',
    'cpp',
    'In C++, find the length of the longest increasing subsequence of a vector in O(n log n).',
  ],
  ['bug_fixing', 'python', 'Fix the bug:\n```python\ndef last(xs):\n    return xs[len(xs)]\n```'],
  [
    'bug_fixing',
    'javascript',
    'My app.js crashes. Expected behaviour: it starts. Actual behaviour: TypeError: x is undefined',
  ],
  [
    'bug_fixing',
    'python',
    'Traceback (most recent call last):\n  File "run.py", line 3\nValueError: bad year\n\nWhat now?',
  ],
  [
    'code_completion',
    'python',
    'def area(r: float) -> float:\n    """Area of a circle.\n\n    >>> area(0)\n    0.0\n    """\n',
  ],
  ['code_completion', 'javascript', 'Fill in the missing body:\nfunction twice(x) {\n  // TODO\n}'],
  [
    'code_refactoring',
    'java',
    'Refactor this Java class without changing its behaviour:\npublic class A { int f() { return 1; } }',
  ],
  [
    'code_refactoring',
    'typescript',
    'Extract the duplicated code of this TypeScript module into one function.',
  ],
  [
    'data_science',
    'python',
    'Given a pandas DataFrame df with columns a and b, add a column with the rolling mean of b.',
  ],
  ['data_science', 'r', 'Draw a histogram of the residuals in R.'],
  [
    'multi_language',
    'rust',
    'Translate the following Python function to Rust:\n```python\ndef f(x):\n    return x + 1\n```',
  ],
  [
    'multi_language',
    'python',
    'Port this Go code to Python.\n```go\npackage main\n\nfunc add(a int, b int) int { return a + b }\n```',
  ],
  ['multi_language', 'kotlin', 'Write a Kotlin function that reverses a string.'],
  [
    'code_understanding',
    'python',
    'Explain what this function does:\n```python\ndef f(n):\n    return n & (n - 1) == 0\n```',
  ],
  ['code_understanding', 'unknown', 'Summarize the purpose of the following method in one sentence.'],
  ['test_generation', 'python', 'Write pytest tests for a function `slugify(text)`.'],
  ['test_generation', 'go', 'Generate unit tests in Go for the following function.'],
];

test.each(OWN)('%s in %s: %j', (dimension, language, prompt) => {
  expect(inferLanguage(prompt)).toBe(language);
  expect(inferDimension(prompt, language)).toBe(dimension);
});

test('words that are languages only in company are not taken for them', () => {
  expect(inferLanguage('Go through the list and return r, the rest, and c, the count.')).toBe(
    UNKNOWN_LANGUAGE,
  );
  expect(inferLanguage('Let it rust in a shell, swift as an arrow.')).toBe(UNKNOWN_LANGUAGE);
});

test('any text gets an answer, soon', () => {
  const hostile = [
    '',
    '\0',
    '```',
    'complete '.repeat(100_000),
    '"'.repeat(200_000),
    '<= a '.repeat(50_000),
    '\n'.repeat(300_000),
  ];
  for (const prompt of hostile) {
    expect(typeof inferLanguage(prompt)).toBe('string');
    expect(typeof inferDimension(prompt, 'python')).toBe('string');
  }
});

test.each([
  ['Python3', 'python'],
  ['js', 'javascript'],
  ['C++', 'cpp'],
  ['C#', 'csharp'],
  [' Rust ', 'rust'],
  ['klingon', null],
])('%s is called %s', (name, language) => expect(knownLanguage(name)).toBe(language));

interface Known {
  prompt: string;
  dimension?: string;
  language?: string;
}

const root = join(__dirname, '../../..');
const readLines = (file: string): Known[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Known);

/** Shares of prompts whose dimension and language are inferred as their data set says. */
function accuracy(tasks: readonly Known[]): { dimension: number; language: number } {
  const share = (of: readonly Known[], right: (t: Known) => boolean) => of.filter(right).length / of.length;
  const told = tasks.filter((t) => t.language);
  return {
    dimension: share(
      tasks,
      (t) => inferDimension(t.prompt, t.language ?? inferLanguage(t.prompt)) === t.dimension,
    ),
    language: share(told, (t) => inferLanguage(t.prompt) === t.language),
  };
}

describe('on labelled prompts', () => {
  test('the bundled examples', () => {
    const folder = join(root, 'examples/tasks');
    const found = accuracy(readdirSync(folder).flatMap((name) => readLines(join(folder, name))));
    expect(found.dimension).toBeGreaterThan(0.9);
    expect(found.language).toBeGreaterThan(0.9);
  });

  // HumanEval's prompts are open functions; CodeRouterBench counts such under completion, too.
  const humaneval = join(root, '../shared/data/humaneval/tasks.jsonl');
  const outOfDistribution = join(root, '../shared/data/coderouterbench/ood176_tasks.jsonl');
  const label = (t: Known) => ({ ...t, dimension: 'code_completion', language: 'python' });
  const sets = [
    { name: 'HumanEval', file: humaneval, label, least: { dimension: 0.9, language: 0.95 } },
    {
      name: 'OOD176',
      file: outOfDistribution,
      label: (t: Known) => t,
      least: { dimension: 0.75, language: 0.6 },
    },
  ];
  for (const set of sets)
    if (existsSync(set.file))
      test(`${set.name}`, () => {
        const found = accuracy(readLines(set.file).map(set.label));
        process.stdout.write(
          `${set.name}: dimension ${found.dimension.toFixed(3)}, language ${found.language.toFixed(3)}\n`,
        );
        expect(found.dimension).toBeGreaterThan(set.least.dimension);
        expect(found.language).toBeGreaterThan(set.least.language);
      });
    else process.stdout.write(`${set.name} is not on this machine; its test is left out.\n`);
});
