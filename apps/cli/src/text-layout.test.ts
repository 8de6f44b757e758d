import { expect, test } from '@jest/globals';
import { bar, duration, left, money, plain, right, wrap } from './text-layout';

test('cut and padded texts have exactly the width asked for', () => {
  expect([left('abc', 5), left('abcdef', 5), right('abc', 5), right('abcdef', 5)]).toEqual([
    'abc  ',
    'abcd…',
    '  abc',
    'abcd…',
  ]);
});

test('a bar keeps its width for every share, also beyond its ends', () => {
  for (const share of [-1, 0, 0.01, 0.33, 0.5, 0.999, 1, 7]) expect(bar(share, 10)).toHaveLength(10);
  expect(bar(0.5, 4)).toBe('██░░');
  expect(bar(0.53125, 4)).toBe('██▏░');
});

test('money shows small sums with the digits that matter, and unknown is not zero', () => {
  expect([null, 0, 0.0000123, 0.01234, 1.5, 250, -0.5].map(money)).toEqual([
    'unknown',
    '$0.00',
    '$0.0000123',
    '$0.01234',
    '$1.500',
    '$250.00',
    '-$0.500',
  ]);
});

test('durations change unit where a person would', () => {
  expect([1.234, 56, 1_234, 61_000].map(duration)).toEqual(['1.2 ms', '56 ms', '1.2 s', '1 min 1 s']);
});

test('text breaks at words and never passes the width', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
});

test('control characters of others cannot reach the terminal', () => {
  expect(plain('a\x1b[31mb\r\n\u202ec')).toBe('a?[31mb???c');
});
