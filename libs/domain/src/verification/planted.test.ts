import { expect, test } from '@jest/globals';
import { isIn, notLoaded, plant, plantedState, withoutPlanted, type Planted } from './planted';
import type { ReportFormat, TestCase } from './test-report';

const nonce = '5b1c2a67-80d3-4efa-9c21-7d3e60f4a8b9';
const planted = plant('pytest', 'tests/test_a.py', 'def test_a(): pass\n', nonce) as Planted;
const named = (name: string, status: TestCase['status']): TestCase => ({
  name,
  group: 'tests.test_a',
  file: null,
  status,
  message: null,
});
const right = [
  ...planted.mustFail.map((name) => named(name, 'failed')),
  ...planted.mustPass.map((name) => named(name, 'passed')),
];

test.each<[ReportFormat, string, string, boolean]>([
  ['pytest', 'tests/test_a.py', 'class TestA:\n    def test(self): pass', true],
  ['pytest', 'tests/data.py', 'X = 1', false],
  ['pytest', 'tests/a.js', 'test(', false],
  ['node', 'a.test.mjs', "import { test } from 'node:test';", true],
  ['node', 'a.js', 'test(', false],
  ['jest', 'a.test.ts', "it.each([1])('x', () => undefined);", true],
  ['junit', 'tests/test_a.py', 'def test_a(): pass', false],
])('%s, %s: %s', (format, path, text, taken) =>
  expect(plant(format, path, text, nonce) !== null).toBe(taken),
);

test('names differ with the nonce and among each other, and the text stays', () => {
  const other = plant(
    'pytest',
    'tests/test_a.py',
    'x = 1\ndef test_a(): pass',
    [...nonce].reverse().join(''),
  );
  const names = [planted, other as Planted].flatMap((p) => [...p.mustFail, ...p.mustPass]);
  expect(new Set(names).size).toBe(8);
  expect(planted.text.startsWith('def test_a(): pass\n')).toBe(true);
});

test.each<[string, TestCase[], string]>([
  ['the results they must have', right, 'right'],
  ['none', [named('test_a', 'passed')], 'absent'],
  ['all passed', right.map((t) => ({ ...t, status: 'passed' })), 'wrong'],
  ['failures skipped', right.map((t) => (t.status === 'failed' ? { ...t, status: 'skipped' } : t)), 'wrong'],
  ['one missing', right.slice(1), 'wrong'],
  ['one twice', [...right, right[0] as TestCase], 'wrong'],
])('%s', (_name, tests, state) => expect(plantedState(planted, tests)).toBe(state));

test('they are no part of the result', () => {
  expect(withoutPlanted([named('test_a', 'passed'), ...right], [planted]).map((t) => t.name)).toEqual([
    'test_a',
  ]);
});

test('tests are told to be in a file by its name or by the class', () => {
  expect(isIn(planted, named('x', 'passed'))).toBe(true);
  expect(isIn(planted, { ...named('x', 'passed'), group: 'tests.test_a.TestB' })).toBe(true);
  expect(isIn(planted, { ...named('x', 'passed'), group: 'tests.test_ab' })).toBe(false);
  expect(isIn(planted, { ...named('x', 'passed'), group: '', file: 'tests/test_a.py' })).toBe(true);
});

test('a file that was not loaded has no planted tests, unless something of it passed', () => {
  const broken: TestCase = { ...named('tests.test_a', 'failed'), group: '', fileLevel: true };
  const elsewhere = { ...named('test_b', 'passed' as const), group: 'tests.test_b' };
  const other = { ...planted, path: 'tests/test_b.py' };
  expect(notLoaded(planted, [planted, other], [broken, elsewhere])).toBe(true);
  expect(notLoaded(planted, [planted, other], [elsewhere])).toBe(false);
  expect(notLoaded(planted, [planted, other], [broken, named('test_a', 'passed')])).toBe(false);
  expect(notLoaded(planted, [planted, other], [broken, { ...elsewhere, group: '' }])).toBe(false);
});
