import { expect, test } from '@jest/globals';
import { plant, PlantedResults, type Planted } from './planted';
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
])('%s', (_name, tests, state) =>
  expect(new PlantedResults([planted], tests).state(planted.path)).toBe(state),
);

const other = {
  ...(plant('pytest', 'tests/test_b.py', 'def test_b(): pass\n', '9'.repeat(31) + '1') as Planted),
};
const results = (...tests: TestCase[]) => new PlantedResults([planted, other], tests);

test('they are no part of the result', () => {
  expect(results(named('test_a', 'passed'), ...right).tests.map((t) => t.name)).toEqual(['test_a']);
});

test('tests are told to be in a file by its name or by the class', () => {
  const fileOf = (more: Partial<TestCase>) => results().fileOf({ ...named('x', 'passed'), ...more });
  expect(fileOf({})).toBe(planted.path);
  expect(fileOf({ group: 'tests.test_a.TestB' })).toBe(planted.path);
  expect(fileOf({ group: 'tests.test_ab' })).toBeNull();
  expect(fileOf({ group: '', file: 'tests/test_a.py' })).toBe(planted.path);
  expect(fileOf({ file: 'tests/test_c.py' })).toBeNull();
  expect(fileOf({ group: 'a.'.repeat(100_000) })).toBeNull();
});

test('a file that was not loaded has no planted tests, unless something of it passed', () => {
  const broken: TestCase = { ...named('tests.test_a', 'failed'), group: '', fileLevel: true };
  const elsewhere: TestCase = { ...named('test_b', 'passed'), group: 'tests.test_b' };
  const notLoaded = (...tests: TestCase[]) => results(...tests).wasNotLoaded(planted.path);
  expect(notLoaded(broken, elsewhere)).toBe(true);
  expect(notLoaded(elsewhere)).toBe(false);
  expect(notLoaded(broken, named('test_a', 'passed'))).toBe(false);
  expect(notLoaded(broken, { ...elsewhere, group: '' })).toBe(false);
});
