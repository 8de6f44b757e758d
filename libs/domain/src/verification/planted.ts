import type { ReportFormat, TestCase } from './test-report';

/**
 * Tests that the verifier adds to the end of a test file, with names that change in every run: some must fail and
 * some must pass. They run in the same process as the others, so whoever makes failing tests pass, leaves early,
 * or writes the report himself, shows it here: planted tests that pass, or are not there.
 */
export interface Planted {
  path: string;
  /** The file's text with the planted tests. */
  text: string;
  mustFail: string[];
  mustPass: string[];
}

const pythonCode = ([a, b, c, d]: readonly string[]) => `

def test_${a}():
    assert [1] == [2]


def test_${b}():
    import unittest
    unittest.TestCase().assertEqual(1, 2)


def test_${c}():
    import pytest
    with pytest.raises(ValueError):
        pass


def test_${d}():
    assert [1] == [1]
`;

const nodeCode = ([a, b, c, d]: readonly string[]) => `
;{
  const { test } = process.getBuiltinModule('node:test');
  const assert = process.getBuiltinModule('node:assert');
  test('${a}', () => { assert.strictEqual(1, 2); });
  test('${b}', () => { throw new Error('expected'); });
  test('${c}', () => { assert.throws(() => undefined); });
  test('${d}', () => { assert.deepStrictEqual([1], [1]); });
}
`;

const jestCode = ([a, b, c, d]: readonly string[]) => `
;test('${a}', () => { expect(1).toBe(2); });
test('${b}', () => { throw new Error('expected'); });
test('${c}', () => { expect(() => undefined).toThrow(); });
test('${d}', () => { expect([1]).toEqual([1]); });
`;

interface Framework {
  files: RegExp;
  /** What the text of a file with tests holds. */
  mark: RegExp;
  code: (names: readonly string[]) => string;
  prefix: string;
}

const SCRIPT = /\.[cm]?[jt]sx?$/;
const FRAMEWORKS: Partial<Record<ReportFormat, Framework>> = {
  pytest: {
    files: /\.py$/,
    mark: /^\s*(?:async )?def test|^class \w*Test/m,
    code: pythonCode,
    prefix: 'test_',
  },
  node: { files: SCRIPT, mark: /\bnode:test\b/, code: nodeCode, prefix: '' },
  jest: { files: SCRIPT, mark: /\b(?:test|it)\s*(?:\.\w+\s*)*\(/, code: jestCode, prefix: '' },
};

/** Words such as `kfqbwmzr`, which nobody can guess and which do not show where they come from. */
const wordsOf = (nonce: string): string[] => {
  const letters = [...nonce.toLowerCase()].filter((c) => /[a-f0-9]/.test(c));
  const word = letters.map((c) => 'bdfghklmnprstvwz'[parseInt(c, 16)]).join('');
  const size = Math.floor(word.length / 4);
  return [0, 1, 2, 3].map((i) => word.slice(i * size, (i + 1) * size));
};

/**
 * The file with planted tests, or `null` for a framework or a file that takes none.
 * @param nonce at least 32 hexadecimal digits, fresh for each run (`randomUUID`)
 */
export function plant(format: ReportFormat, path: string, text: string, nonce: string): Planted | null {
  const framework = FRAMEWORKS[format];
  if (!framework?.files.test(path) || !framework.mark.test(text)) return null;
  const words = wordsOf(nonce);
  const names = words.map((word) => framework.prefix + word);
  return {
    path,
    text: `${text}${framework.code(words)}`,
    mustFail: names.slice(0, 3),
    mustPass: names.slice(3),
  };
}

/** - `right`: all there, with the results they must have · `absent`: none there · `wrong`: anything else */
export type PlantedState = 'right' | 'absent' | 'wrong';

/** What became of the planted tests of one file. */
export function plantedState(planted: Planted, tests: readonly TestCase[]): PlantedState {
  const results = (names: readonly string[]) =>
    names.flatMap((name) => tests.filter((t) => t.name === name).map((t) => t.status));
  const [failed, passed] = [results(planted.mustFail), results(planted.mustPass)];
  if (failed.length + passed.length === 0) return 'absent';
  const right =
    failed.length === planted.mustFail.length &&
    passed.length === planted.mustPass.length &&
    failed.every((s) => s === 'failed') &&
    passed.every((s) => s === 'passed');
  return right ? 'right' : 'wrong';
}

/** The report without the planted tests. */
export function withoutPlanted(tests: readonly TestCase[], planted: readonly Planted[]): TestCase[] {
  const names = new Set(planted.flatMap((p) => [...p.mustFail, ...p.mustPass]));
  return tests.filter((t) => !names.has(t.name));
}

/** Whether a test stands in a planted file, by its file or by pytest's class name (`tests.test_a.TestB`). */
export function isIn(planted: Planted, test: TestCase): boolean {
  if (test.file !== null) return test.file === planted.path;
  const module = planted.path.replace(/\.py$/, '').replaceAll('/', '.');
  const group = test.fileLevel && test.group === '' ? test.name : test.group;
  return group === module || group.startsWith(`${module}.`);
}

/**
 * Whether the report says that a file was not loaded: then its planted tests are rightly absent. Not when something
 * passed that stands in this file, or may stand there.
 */
export function notLoaded(planted: Planted, all: readonly Planted[], tests: readonly TestCase[]): boolean {
  const passed = tests.filter((t) => t.status === 'passed' && !t.fileLevel);
  return (
    tests.some((t) => t.fileLevel && t.status === 'failed' && isIn(planted, t)) &&
    passed.every((t) => !isIn(planted, t) && all.some((p) => isIn(p, t)))
  );
}
