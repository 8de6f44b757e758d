import { describe, expect, test } from '@jest/globals';
import { endOfBrackets, entryPointOf, findPromptExamples, literalAt, selfContained } from './prompt-tests';

const found = (prompt: string, name?: string, language: 'python' | 'javascript' = 'python') =>
  findPromptExamples(prompt, language, name).map((e) => [e.form, e.source, e.want]);

describe('findPromptExamples', () => {
  test('reads doctests with set-up, continuation lines, comments and errors', () => {
    const prompt = `def f(x):
    """
    >>> y = [1,
    ...      2]
    >>> f(y)  # twice
    [2, 4]
    >>> f(None)
    Traceback (most recent call last):
      ...
    TypeError: no
    >>> f("a") == 'aa'
    """`;
    expect(findPromptExamples(prompt, 'python')).toEqual([
      { setup: ['y = [1,\n     2]'], source: 'f(y)', want: '[2, 4]', raises: null, form: 'doctest' },
      {
        setup: [],
        source: 'f(None)',
        want: expect.stringContaining('Traceback'),
        raises: 'TypeError',
        form: 'doctest',
      },
      { setup: [], source: 'f("a")', want: "'aa'", raises: null, form: 'doctest' },
    ]);
  });

  test.each([
    ['f(1, [2, 3]) == 5', 'f(1, [2, 3])', '5'],
    ['f("a)b") ➞ "x"', 'f("a)b")', '"x"'],
    ['f(3) => True', 'f(3)', 'True'],
    ['f(3) ==> -1.5', 'f(3)', '-1.5'],
    ['f(3) -> {1: "a"}', 'f(3)', '{1: "a"}'],
    ['f(3) should return [1, 2].', 'f(3)', '[1, 2]'],
    ['`f(3)` returns', undefined, undefined],
    ['f(3) = 4 because it is more', 'f(3)', '4'],
    ['f(3) # => None', 'f(3)', 'None'],
    ['f(3) returns 1 + 2', undefined, undefined],
    ['f(a) == 3', undefined, undefined],
    ['f(1, ..., 5) == 3', undefined, undefined],
    ['def f(x) -> 3', undefined, undefined],
    ['g(f(3)) == 4', undefined, undefined],
    ['f(k=3, j=[True]) == 4', 'f(k=3, j=[True])', '4'],
  ])('reads "%s"', (line, source, want) => {
    expect(found(`Write f.\n${line}\n`, 'f').map(([, s, w]) => [s, w])).toEqual(
      source ? [[source, want]] : [],
    );
  });

  test('reads asserts, and each example once', () => {
    expect(found('assert f(1) == 2\nf(1) == 2', 'f')).toEqual([['assert', 'f(1)', '2']]);
  });

  test('reads inputs and outputs, in one line or in several', () => {
    expect(found('Example 1:\nInput: nums = [2,7], target = 9\nOutput: [0,1]\n', 'two')).toEqual([
      ['input-output', 'two([2,7], 9)', '[0,1]'],
    ]);
    expect(found('Input:\n  grid : [[1]]\n  n : 2\nOutput: 6\n', 'fill')).toEqual([
      ['input-output', 'fill([[1]], 2)', '6'],
    ]);
    expect(found('Input: the first line holds n\nOutput: 3\n', 'f')).toEqual([]);
  });

  test('reads prose where names and values leave no doubt', () => {
    const prompt =
      'def f(lst, n):\n  For lst = [1,2] and n = 3 the output should be 14\n  For lst = [1] the result is 2\n  For all n the output is 3';
    expect(found(prompt)).toEqual([['prose', 'f([1,2], 3)', '14']]);
  });

  test('reads comments in JavaScript', () => {
    const prompt = 'function add(a, b) {}\nadd(1, 2) // => 3\nadd(2, 2); // 4\nadd(1, 1) === 2';
    expect(found(prompt, undefined, 'javascript').map(([, s, w]) => `${s} ${w}`)).toEqual([
      'add(1, 2) 3',
      'add(1, 1) 2',
    ]);
  });

  test('finds nothing in other languages, and survives anything', () => {
    expect(findPromptExamples('f(1) == 2', 'python')).toEqual([]);
    expect(findPromptExamples('>>> f(1)\n2', 'python', 'f')).toHaveLength(1);
    for (const text of [
      'f('.repeat(5_000),
      '>>>'.repeat(5_000),
      'f("'.repeat(3_000),
      'input:\n'.repeat(3_000),
      '\0\ud800',
    ])
      expect(Array.isArray(findPromptExamples(text, 'python', 'f'))).toBe(true);
  });
});

describe('its parts', () => {
  test('endOfBrackets knows strings', () => {
    expect(endOfBrackets('(a, ")", [\')\'])x', 0)).toBe(15);
    expect(endOfBrackets('(a', 0)).toBe(-1);
    expect(endOfBrackets('(a]', 0)).toBe(-1);
  });

  test('literalAt takes a whole literal or nothing', () => {
    expect(
      ['[1, 2] x', '"a" b', '-3.5e2,', 'True.', 'Truely', 'abc', '12abc', '1_000'].map(literalAt),
    ).toEqual(['[1, 2]', '"a"', '-3.5e2', 'True', null, null, null, '1_000']);
  });

  test('selfContained refuses names', () => {
    expect(['1, "abc"', 'x', 'n=3', '[1, ...]', 'set([1])', "'it''s x'"].map(selfContained)).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  test('entryPointOf finds the last definition or the name in prose', () => {
    expect(entryPointOf('def a(): pass\n\ndef b():\n', 'python')).toBe('b');
    expect(entryPointOf('Write a function called `sum_all` that …', 'python')).toBe('sum_all');
    expect(entryPointOf('Write a function addUp(xs).', 'javascript')).toBe('addUp');
    expect(entryPointOf('Do something.', 'python')).toBeNull();
  });
});
