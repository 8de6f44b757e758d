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

/** What a report says of one planted file. */
interface FileResults {
  planted: Planted;
  /** Results of the planted tests by name; more than one where a name is there twice. */
  results: Map<string, TestCase['status'][]>;
  /** Whether the report says that the file could not be loaded. */
  broken: boolean;
  /** Whether a test of the file itself passed. */
  passed: boolean;
}

/** Deepest package that pytest's class names are looked up in. */
const MAX_SEGMENTS = 50;

/** A report read for its planted tests: in one pass, since it may be long and hostile. */
export class PlantedResults {
  /** The tests without the planted ones. */
  readonly tests: TestCase[] = [];
  private readonly files: Map<string, FileResults>;
  private readonly modules = new Map<string, string>();
  /** Whether something passed that stands in no planted file, as far as can be told. */
  private strayPass = false;

  constructor(planted: readonly Planted[], report: readonly TestCase[]) {
    this.files = new Map(
      planted.map((p) => [p.path, { planted: p, results: new Map(), broken: false, passed: false }]),
    );
    const owners = new Map<string, FileResults>();
    for (const file of this.files.values()) {
      const { path, mustFail, mustPass } = file.planted;
      this.modules.set(path.replace(/\.py$/, '').replaceAll('/', '.'), path);
      for (const name of [...mustFail, ...mustPass]) owners.set(name, file);
    }
    for (const test of report) {
      const results = owners.get(test.name)?.results;
      if (results) results.set(test.name, [...(results.get(test.name) ?? []).slice(0, 1), test.status]);
      else this.add(test);
    }
  }

  private add(test: TestCase): void {
    this.tests.push(test);
    const file = this.files.get(this.fileOf(test) ?? '');
    if (file && test.fileLevel && test.status === 'failed') file.broken = true;
    if (test.fileLevel || test.status !== 'passed') return;
    if (file) file.passed = true;
    else this.strayPass = true;
  }

  /** The planted file that a test stands in, by its file or by pytest's class name; `null` where that is not known. */
  fileOf(test: TestCase): string | null {
    if (test.file !== null) return this.files.has(test.file) ? test.file : null;
    const parts = (test.fileLevel && test.group === '' ? test.name : test.group).split('.', MAX_SEGMENTS);
    for (let n = parts.length; n > 0; n--) {
      const path = this.modules.get(parts.slice(0, n).join('.'));
      if (path !== undefined) return path;
    }
    return null;
  }

  state(path: string): PlantedState {
    const file = this.files.get(path);
    if (!file || file.results.size === 0) return 'absent';
    const are = (names: readonly string[], wanted: TestCase['status']) =>
      names.every((name) => file.results.get(name)?.join() === wanted);
    const { mustFail, mustPass } = file.planted;
    return are(mustFail, 'failed') && are(mustPass, 'passed') ? 'right' : 'wrong';
  }

  /**
   * Whether the report says that a file was not loaded: then its planted tests are rightly absent. Not when something
   * passed that stands in this file, or may stand there.
   */
  wasNotLoaded(path: string): boolean {
    const file = this.files.get(path);
    return file !== undefined && file.broken && !file.passed && !this.strayPass;
  }
}
