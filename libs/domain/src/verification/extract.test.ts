import { describe, expect, test } from '@jest/globals';
import { indentBody, readPrograms, type ExtractionContext } from './extract';
import { findFences } from './fences';
import { guessLanguage, languageNamed } from './languages';
import { ruleFinding } from './rules';

const prompt =
  'from typing import List\n\ndef helper(x):\n    return x\n\ndef total(xs: List[int]) -> int:\n    """Sum."""\n';
const context: ExtractionContext = { language: 'python', prompt, entryPoint: 'total' };
const first = (answer: string, c = context) => readPrograms(answer, c)[0];

describe('readPrograms', () => {
  test('puts imports and helpers of the prompt before a whole function', () => {
    const program = first('def total(xs):\n    return sum(xs)');
    expect(program?.way).toBe('whole');
    expect(program?.text).toBe(
      'from typing import List\n\ndef helper(x):\n    return x\n\ndef total(xs):\n    return sum(xs)',
    );
  });

  test('puts a bare body below the head of the function', () => {
    const texts = readPrograms('    return sum(xs)\n', context).map((p) => p.text);
    expect(texts).toContain(`${prompt}    return sum(xs)\n`);
  });

  test('takes the last block that defines the function', () => {
    const answer =
      'Bad:\n```python\ndef total(xs): return 0\n```\nGood:\n```py\ndef total(xs): return sum(xs)\n```\nUse:\n```python\nprint(total([1]))\n```';
    expect(first(answer)).toMatchObject({ way: 'fence', code: 'def total(xs): return sum(xs)' });
  });

  test('joins blocks when nothing says which one is meant', () => {
    const answer =
      '```python\nclass A: pass\n```\nand\n```python\nclass B(A): pass\n```\n```bash\npip install x\n```';
    expect(first(answer, { language: 'python', prompt: 'Write A and B.' })?.code).toBe(
      'class A: pass\n\nclass B(A): pass',
    );
  });

  test('never takes Markdown as a whole for the program', () => {
    const ways = readPrograms('Here:\n```js\nfunction f( {\n```', {
      language: 'javascript',
      prompt: 'f',
    }).map((p) => p.way);
    expect(ways).not.toContain('whole');
  });

  test('drops hidden reasoning, prose before and prose after', () => {
    const answer =
      '<think>def total(xs): wrong</think>\nSure, here is what you asked for:\n\ndef total(xs):\n    return sum(xs)\n\nThis adds all of the numbers in the list.';
    const texts = readPrograms(answer, context).map((p) => p.code);
    expect(texts).toContain('def total(xs):\n    return sum(xs)\n'.trimEnd());
    expect(texts.some((t) => t.includes('wrong'))).toBe(false);
  });

  test.each([
    '',
    '\0',
    '```',
    '```python',
    '\n'.repeat(10_000),
    '('.repeat(100_000),
    '\ud800',
    '`'.repeat(1_000),
  ])('survives %j', (answer) => {
    const programs = readPrograms(answer.slice(0, 100_000), context);
    expect(programs.length).toBeGreaterThan(0);
    expect(programs.length).toBeLessThanOrEqual(12);
  });
});

describe('indentBody', () => {
  test.each([
    ['return 1', '    return 1'],
    ['a = 1\nreturn a', '    a = 1\n    return a'],
    ['    return 1', '    return 1'],
    [
      'r = 0\n    for x in y:\n        r += x\n    return r',
      '    r = 0\n    for x in y:\n        r += x\n    return r',
    ],
    ['for x in y:\n        r += x\n    return r', '    for x in y:\n        r += x\n    return r'],
    ['for x in y:\n    r += x\nreturn r', '    for x in y:\n        r += x\n    return r'],
  ])('%j', (body, expected) => {
    expect(indentBody(body)).toBe(expected);
  });

  test.each([
    ['self.x = 1\nreturn self', '        self.x = 1\n        return self'],
    ['    return 1', '        return 1'],
    ['        return 1', '        return 1'],
    ['a = 1\n        return a', '        a = 1\n        return a'],
  ])('of a method: %j', (body, expected) => {
    expect(indentBody(body, 8)).toBe(expected);
  });
});

describe('bodies of a prompt that ends in the head of a method', () => {
  const stub =
    'class C:\n    def one(self):\n        return 1\n    def add(self, b):\n        """Add b: to x."""\n';
  const bodiesOf = (text: string) =>
    readPrograms('        return b\n', { language: 'python', prompt: text }).filter((p) => p.way === 'body');

  test('stand below it', () => {
    expect(bodiesOf(stub).map((p) => p.text.trimEnd())).toContain(`${stub}        return b`);
  });

  test.each([
    ['has a body', `${stub}        return b\n`],
    ['is prose', `Finish it:\n\n${stub}`],
    ['has no function', 'class C:\n    pass\n'],
  ])('but not below one that %s', (_what, text) => {
    expect(bodiesOf(text)).toEqual([]);
  });
});

test('findFences knows tags, longer fences, indentation and missing ends', () => {
  expect(
    findFences('```Python title\na\n```\n~~~\nb\n~~~\n````md\n```\nc\n```\n````\n  ```js\n  d\n'),
  ).toEqual([
    { tag: 'python', text: 'a', closed: true },
    { tag: '', text: 'b', closed: true },
    { tag: 'md', text: '```\nc\n```', closed: true },
    { tag: 'js', text: 'd\n', closed: false },
  ]);
});

test('languages are known by name, alias and looks', () => {
  expect(['Python', 'py3', 'JS', 'ts', 'golang', 'C++', 'sh', 'cobol'].map(languageNamed)).toEqual([
    'python',
    'python',
    'javascript',
    'typescript',
    'go',
    'cpp',
    'bash',
    null,
  ]);
  expect(
    [
      'def f(x):\n  pass',
      'const f = (x) => { }',
      '#include <x>',
      'package main\n',
      'fn main() {',
      'public class A {',
      'Hello',
    ].map(guessLanguage),
  ).toEqual(['python', 'javascript', 'cpp', 'go', 'rust', 'java', null]);
});

describe('ruleFinding', () => {
  test.each([
    ['', 'failed', ['empty']],
    ["I'm sorry, but I can't help with that.", 'failed', ['refusal']],
    ['def f(x):\n    # TODO: implement\n    pass', 'passed', ['placeholder']],
    ['def g(x):\n    return 1', 'passed', ['other-function']],
    ['def f(x):\n    return "I am unable to"', 'passed', []],
  ])('%j', (answer, status, found) => {
    expect(ruleFinding(answer, 'f')).toMatchObject({ status, evidence: { found } });
  });
});
