import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox, SandboxRequest } from '@acrouter/sandbox/sandbox';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RefactorService } from './collect';
import { Journal } from './journal';
import { beginRefactor, carryOn, homeOf, unfinishedRefactor } from './refactor';
import { openRepository, type Repository } from './repository';

/** Real git and journal; answers are there already, and the sandbox is played: red where `red` says so. */
let folder: string;
let repository: Repository;
let checks: number;
let red: (check: number) => boolean;
/** What the command prints at a check. */
let said: (check: number) => string;
const sh = (command: string) => execFileSync('/bin/sh', ['-c', command], { cwd: folder }).toString().trim();

beforeEach(async () => {
  checks = 0;
  red = () => false;
  said = () => 'said';
  folder = mkdtempSync(join(tmpdir(), 'acr-refactor-carry-'));
  writeFileSync(join(folder, 'a.js'), 'a\n');
  writeFileSync(join(folder, 'b.js'), 'b\n');
  sh(
    'git init -q -b main . && git config user.name Ann && git config user.email a@b && git add . && git commit -qm one',
  );
  repository = await openRepository(folder);
  await beginAnswered();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function beginAnswered(): Promise<void> {
  const options = {
    ...{
      globs: ['*.js'],
      instruction: 'Do it.',
      verify: 'node test.js',
      perFileVerify: null,
      maxCostUsd: null,
    },
    ...{ maxAttempts: null, concurrency: 4, branch: 'result', groupSize: 1, maxPromptTokens: 4_000 },
    ...{ verifyTimeoutMs: 10_000, language: 'bash', include: [] },
  };
  const journal = await beginRefactor(repository, options, '1', new Date('2026-01-02T03:04:05Z'));
  mkdirSync(join(journal.folder, 'answers'));
  for (const { key } of journal.state.units) {
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    writeFileSync(join(journal.folder, 'answers', `${name}.txt`), '```js\nchanged\n```');
    journal.update((s) => {
      s.results[key] = {
        ...{ taskId: `t-${key}`, outcome: 'solved', model: 'm', models: ['m'], costUsd: 0.1 },
        ...{ unknownCalls: 0, simulated: false, answered: true },
      };
    });
  }
}

const sandbox = {
  run: (_request: SandboxRequest) => {
    const exitCode = red(checks) ? 1 : 0;
    const stdout = said(checks++);
    return Promise.resolve({
      outcome: { kind: 'ended', exitCode },
      stdout,
      stderr: '',
      outputTruncated: false,
      durationMs: 1,
    });
  },
} as unknown as Sandbox;

const resume = (branch?: string, lines: string[] = []) =>
  carryOn(
    unfinishedRefactor(repository, '1'),
    folder,
    {
      service: {} as RefactorService,
      sandbox,
      say: (line) => lines.push(line),
      progress: () => undefined,
      signal: new AbortController().signal,
    },
    branch,
  );
const journalBranch = () => Journal.open(join(homeOf(repository), '1')).state.options.branch;

describe('a branch that somebody made meanwhile', () => {
  beforeEach(() => void sh('git branch result'));

  test('is noticed before anything is verified, and left alone', async () => {
    const lines: string[] = [];
    await expect(resume(undefined, lines)).rejects.toThrow('exists already');
    expect([checks, lines]).toEqual([0, []]);
    expect(sh('git rev-parse result')).toBe(repository.head);
  });

  test('is replaced by the one that the resume names, which the journal keeps', async () => {
    const report = await resume('other');
    expect(report).toMatchObject({ branch: 'other', merged: 2 });
    expect(sh('git show other:a.js')).toBe('changed');
    expect(journalBranch()).toBe('other');
    expect(sh('git rev-parse result')).toBe(repository.head);
  });

  test.each([
    ['main', 'exists already'],
    ['a..b', 'is no name for a branch'],
  ])('is not replaced by %s', async (name, message) => {
    await expect(resume(name)).rejects.toThrow(message);
    expect([checks, journalBranch()]).toEqual([0, 'result']);
  });
});

test('a branch that appears while answers are checked is noticed at the end, and the resume goes on from there', async () => {
  red = (check) => {
    if (check === 1) sh('git branch result');
    return false;
  };
  await expect(resume()).rejects.toThrow('exists already');
  const before = checks;
  expect(await resume('other')).toMatchObject({ branch: 'other', merged: 2 });
  expect(checks).toBe(before);
});

test('killed after the branch was made and before that was written down: the resume takes it for its own', async () => {
  const { head } = await resume();
  Journal.open(join(homeOf(repository), '1')).update((s) => (s.finished = false));
  expect(await resume()).toMatchObject({ branch: 'result', head });
});

test('the report says which command failed with a change, and where the end of its output is', async () => {
  // The base and a.js are green, both together are not.
  red = (check) => check === 2;
  const report = await resume();
  const [file] = report.files.filter((f) => f.status === 'failed');
  expect(file).toMatchObject({
    paths: ['b.js'],
    reason: '"node test.js" failed with this change on top of 1 that was merged before: exit code 1',
    output: 'patches/0002-b.js.output.txt',
    patch: 'patches/0002-b.js.patch',
  });
  expect(readFileSync(join(report.folder, file?.output ?? ''), 'utf8')).toBe('said\n');
  expect(readFileSync(join(report.folder, 'report.md'), 'utf8')).toContain(
    'exit code 1; the end of its output: patches/0002-b.js.output.txt |',
  );
});

test('a change after which the command ends green without having run its tests is set aside', async () => {
  // As os._exit(0) in a module that the tests import: nothing is printed any more, and the exit code is 0.
  said = (check) => (check === 2 ? '' : 'Ran 3 tests in 0.001s\n\nOK\n');
  const report = await resume();
  expect(report).toMatchObject({ merged: 1, failed: 1 });
  const [file] = report.files.filter((f) => f.status === 'failed');
  expect(file?.reason).toMatch(/ended with code 0, but its summary tells of no tests instead of 3/);
  expect(sh('git diff --name-only main result')).toBe('a.js');
});
