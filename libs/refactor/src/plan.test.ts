import { describe, expect, test } from '@jest/globals';
import { REPOSITORY_ARCHIVE } from '@acrouter/domain/verification/repository-archive';
import { estimateTokens } from '@acrouter/models/prompt';
import { readImports } from './imports';
import { nameOf, resultsOf, type JournalState, type RefactorOptions } from './journal';
import { checkCommand, chosenFiles, fitsInTasks, languageOf, planUnits, taskOf, type Snapshot } from './plan';
import type { RepositoryFile } from './repository';

const options = (more: Partial<RefactorOptions> = {}): RefactorOptions => ({
  globs: ['src/**/*.js'],
  instruction: 'DO IT',
  verify: 'node test.js',
  perFileVerify: null,
  maxCostUsd: null,
  maxAttempts: null,
  concurrency: 4,
  branch: 'b',
  groupSize: 1,
  maxPromptTokens: 2_000,
  verifyTimeoutMs: 60_000,
  language: 'javascript',
  include: [],
  ...more,
});
const fileOf = (path: string): RepositoryFile => ({ path, blob: path, mode: '100644', sizeBytes: 1 });
const snapshotOf = (texts: Record<string, string>, unreadable: Record<string, string> = {}): Snapshot => {
  const all = new Map(Object.entries(texts));
  const paths = [...Object.keys(texts), ...Object.keys(unreadable)];
  return {
    files: new Map(paths.map((path) => [path, fileOf(path)])),
    texts: all,
    graph: readImports(all),
    unreadable: new Map(Object.entries(unreadable)),
  };
};

describe('the tasks of a refactor', () => {
  const chain = {
    'src/a.js': "import './b.js'\n",
    'src/b.js': "import './c.js'\n",
    'src/c.js': '',
    'src/lone.js': '',
    'other.js': '',
  };

  test('are one per chosen file, in the order of merging', () => {
    const units = planUnits(snapshotOf(chain), options());
    expect(units.map((u) => u.paths)).toEqual([['src/c.js'], ['src/b.js'], ['src/a.js'], ['src/lone.js']]);
    expect(units.every((u) => u.skipped === null)).toBe(true);
    expect(new Set(units.map((u) => u.key)).size).toBe(4);
  });

  test('hold files that import each other, up to the size of a group, each file once', () => {
    const units = planUnits(snapshotOf(chain), options({ groupSize: 2 }));
    expect(units.map((u) => u.paths)).toEqual([['src/c.js'], ['src/a.js', 'src/b.js'], ['src/lone.js']]);
  });

  test('are split when a group passes the token limit, and skipped with the reason when a file does', () => {
    const long = `${'x'.repeat(2_500)}\n`;
    const texts = { 'src/a.js': `import './b.js'\n${long}`, 'src/b.js': long, 'src/huge.js': long.repeat(9) };
    const units = planUnits(snapshotOf(texts), options({ groupSize: 3 }));
    expect(units.map((u) => u.paths)).toEqual([['src/a.js'], ['src/b.js'], ['src/huge.js']]);
    expect(units.map((u) => u.skipped)).toEqual([
      null,
      null,
      'is too large for the limit of 2000 prompt tokens',
    ]);
    const both = planUnits(snapshotOf(texts), options({ groupSize: 3, maxPromptTokens: 5_000 }));
    expect(both.map((u) => u.paths)).toEqual([['src/a.js', 'src/b.js'], ['src/huge.js']]);
  });

  test('leave out what is no text, and say so', () => {
    const units = planUnits(snapshotOf({ 'src/a.js': '' }, { 'src/b.js': 'is not UTF-8 text' }), options());
    expect(units.at(-1)).toEqual({ key: 'src/b.js', paths: ['src/b.js'], skipped: 'is not UTF-8 text' });
  });

  test('have keys of bounded length however long the paths are', () => {
    const name = (n: number) => `src/${String(n).repeat(150)}.js`;
    const texts = { [name(1)]: `import './${'2'.repeat(150)}.js'\n`, [name(2)]: '' };
    const [unit] = planUnits(snapshotOf(texts), options({ groupSize: 2 }));
    expect(unit?.paths).toHaveLength(2);
    expect(unit?.key.length).toBeLessThanOrEqual(200);
  });
});

describe('one task', () => {
  const snapshot = snapshotOf({ 'src/a.js': 'A\n', 'src/b.js': 'B\n' });
  const unit = { key: 'k', paths: ['src/a.js'], skipped: null };

  test('carries the repository and may change its own files only', () => {
    const task = taskOf(unit, snapshot, options({ maxAttempts: 3 }), 'QUJD');
    expect(task).toMatchObject({ id: 'k', language: 'javascript', maxAttempts: 3 });
    expect(task.verification).toMatchObject({
      edits: ['src/a.js'],
      files: { 'src/a.js': 'A\n', [REPOSITORY_ARCHIVE]: 'QUJD' },
      timeoutMs: 60_000,
    });
    expect(task.verification?.command).toContain("/bin/sh -c 'node test.js'");
  });

  test('without the repository is checked by nobody in the loop, and tells an earlier failure', () => {
    const task = taskOf(unit, snapshot, options(), null, 'it was red');
    expect(task).toMatchObject({ language: 'text', verification: undefined });
    expect(task.prompt).toContain('An earlier answer failed; avoid that:\nit was red');
  });

  test('whose earlier failure leaves no room is asked without it', () => {
    const full = options({ maxPromptTokens: estimateTokens(taskOf(unit, snapshot, options(), null).prompt) });
    const task = taskOf(unit, snapshot, full, null, 'x'.repeat(1_500));
    expect(task.prompt).toContain('DO IT');
    expect(task.prompt).not.toContain('An earlier answer failed');
  });

  test('is checked by the command of its files where there is one, with their names quoted', () => {
    expect(checkCommand(options(), ['a.js'])).toBe('node test.js');
    const own = options({ perFileVerify: 'node {file} {file}' });
    expect(checkCommand(own, ["it's.js", 'b.js'])).toBe(
      `node 'it'\\''s.js' 'it'\\''s.js' && node 'b.js' 'b.js'`,
    );
  });
});

test('a repository travels with its tasks while it is small, complete, and quick to check', () => {
  expect(fitsInTasks('x'.repeat(1_000_000), 100, options())).toBe(true);
  expect(fitsInTasks('x'.repeat(1_000_001), 1, options())).toBe(false);
  expect(fitsInTasks('x'.repeat(1_000_000), 201, options())).toBe(false);
  expect(fitsInTasks('x', 1, options({ include: ['node_modules'] }))).toBe(false);
  expect(fitsInTasks('x', 1, options({ verifyTimeoutMs: 600_001 }))).toBe(false);
});

test('globs choose committed files by their whole path', () => {
  const files = ['a.js', 'src/a.js', 'src/deep/b.js', 'src/b.ts'].map(fileOf);
  const chosen = (...globs: string[]) => chosenFiles(files, globs).map((f) => f.path);
  expect(chosen('src/**/*.js')).toEqual(['src/a.js', 'src/deep/b.js']);
  expect(chosen('./*.js', 'src/*.ts')).toEqual(['a.js', 'src/b.ts']);
  expect(chosen('*.py')).toEqual([]);
  expect(chosen('**/*.js', '!src/deep/**')).toEqual(['a.js', 'src/a.js']);
  expect(chosen('!./src/**', '**/*.js')).toEqual(['a.js']);
  expect(chosen('!a.js')).toEqual([]);
});

test('the toolchain is that of most files, and the base system where none is known', () => {
  expect(languageOf(['a.py', 'b.py', 'c.js'])).toBe('python');
  expect(languageOf(['README.md', 'x.toml'])).toBe('bash');
  expect(languageOf([])).toBe('bash');
});

test('a unit that is asked again has another name, and the results of all its rounds in order', () => {
  const result = (taskId: string) => ({ taskId }) as JournalState['results'][string];
  const state = {
    retries: { k: { round: 3, reason: 'red' } },
    results: { k: result('one'), 'k#2': result('two'), 'k#3': result('three'), other: result('no') },
  } as Partial<JournalState> as JournalState;
  expect(nameOf(state, { key: 'k' })).toBe('k#3');
  expect(nameOf(state, { key: 'other' })).toBe('other');
  expect(resultsOf(state, { key: 'k' }).map((r) => r.taskId)).toEqual(['one', 'two', 'three']);
});
