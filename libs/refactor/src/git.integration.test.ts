import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { branchTip } from './branch';
import { Journal, writeAtomically } from './journal';
import { beginRefactor, homeOf, unfinishedRefactor } from './refactor';
import { listFiles, openRepository, readTexts, type Repository } from './repository';
import { Scratch } from './scratch';

const now = new Date('2026-01-02T03:04:05Z');
let folder: string;
let repository: Repository;
const sh = (command: string) => execFileSync('/bin/sh', ['-c', command], { cwd: folder }).toString();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'acr-refactor-git-'));
  mkdirSync(join(folder, 'src/deep'), { recursive: true });
  writeFileSync(join(folder, 'src/a.js'), 'a\r\n');
  writeFileSync(join(folder, 'src/deep/ä b.js'), 'ü\n');
  chmodSync(join(folder, 'src/deep/ä b.js'), 0o755);
  writeFileSync(join(folder, 'src/binary.js'), Buffer.from([0xff, 0x00]));
  writeFileSync(join(folder, '.gitattributes'), 'src/a.js export-ignore\n');
  sh(
    'ln -s a.js src/link.js && git init -q -b main . && git config user.name Ann && git config user.email a@b',
  );
  sh('git add . && git commit -qm one');
  repository = await openRepository(join(folder, 'src'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = {
  globs: ['src/**/*.js'],
  instruction: 'Do it.',
  verify: 'true',
  perFileVerify: null,
  maxCostUsd: null,
  maxAttempts: null,
  concurrency: 4,
  branch: 'result',
  groupSize: 1,
  maxPromptTokens: 4_000,
  verifyTimeoutMs: 10_000,
  language: 'bash',
  include: [],
};

test('files of a commit: any name, modes, no links; what is no text is told apart', async () => {
  const files = (await listFiles(folder, repository.head)).filter((f) => f.path.startsWith('src/'));
  expect(files.map((f) => [f.path, f.mode])).toEqual([
    ['src/a.js', '100644'],
    ['src/binary.js', '100644'],
    ['src/deep/ä b.js', '100755'],
  ]);
  const texts = await readTexts(folder, files);
  expect([...texts.values()]).toEqual(['a\r\n', null, 'ü\n']);
});

describe('scratch repository', () => {
  const changes = { 'src/deep/ä b.js': { mode: '100755', text: 'new\n' } };

  test('the same change gives the same commit, in another process too', async () => {
    const first = await Scratch.open(join(folder, '.git/x'), repository, now);
    const one = await first.commit(repository.head, changes, 'message\n\nbody');
    const second = await Scratch.open(join(folder, '.git/y'), repository, now);
    expect(await second.commit(repository.head, changes, 'message\n\nbody')).toBe(one);
    expect(await first.commit(repository.head, changes, 'other')).not.toBe(one);
  });

  test('a branch is published once, leaves everything else alone, and is never overwritten', async () => {
    const scratch = await Scratch.open(join(folder, '.git/x'), repository, now);
    const commit = await scratch.commit(repository.head, changes, 'message');
    const index = readFileSync(join(folder, '.git/index'));
    writeFileSync(join(folder, '.git/hooks/reference-transaction'), '#!/bin/sh\ntouch "$GIT_DIR/hooked"\n', {
      mode: 0o755,
    });
    await scratch.publish('result', commit);
    await scratch.publish('result', commit);
    expect(sh('git diff main result --stat --summary')).toContain(
      '1 file changed, 1 insertion(+), 1 deletion(-)',
    );
    expect(sh('git log -1 --format="%an %ae %at" result').trim()).toBe(`Ann a@b ${now.getTime() / 1_000}`);
    expect(sh('git status --porcelain')).toBe('');
    expect(sh('ls .git')).not.toMatch(/FETCH_HEAD|hooked/);
    expect(readFileSync(join(folder, '.git/index')).equals(index)).toBe(true);
    await expect(scratch.publish('result', repository.head)).rejects.toThrow('--branch');
    expect(await branchTip(folder, 'result')).toBe(commit);
  });

  test('an archive holds every file, also those that exports leave out', async () => {
    const scratch = await Scratch.open(join(folder, '.git/x'), repository, now);
    writeFileSync(join(folder, 'x.tgz'), await scratch.archive(repository.head));
    expect(sh('tar -tzf x.tgz')).toContain('src/a.js');
  });

  test('patches apply', async () => {
    const scratch = await Scratch.open(join(folder, '.git/x'), repository, now);
    const patch = await scratch.patch(repository.head, await scratch.commit(repository.head, changes, 'm'));
    writeFileSync(join(folder, 'x.patch'), patch);
    sh('git apply x.patch');
    expect(readFileSync(join(folder, 'src/deep/ä b.js'), 'utf8')).toBe('new\n');
  });
});

describe('journal', () => {
  test('a plan is on disk, with a reason for what cannot be asked; the newest unfinished one is found', async () => {
    const journal = await beginRefactor(repository, options, '1', now);
    expect(journal.state.units.map((u) => [u.paths[0], u.skipped])).toEqual([
      ['src/a.js', null],
      ['src/deep/ä b.js', null],
      ['src/binary.js', 'is not UTF-8 text'],
    ]);
    await beginRefactor(repository, options, '2', now);
    expect(unfinishedRefactor(repository).state.id).toBe('2');
    Journal.open(join(homeOf(repository), '2')).update((s) => (s.finished = true));
    expect(unfinishedRefactor(repository).state).toEqual(journal.state);
    expect(() => unfinishedRefactor(repository, '3')).toThrow('no refactor 3');
    expect(sh('git status --porcelain')).toBe('');
  });

  test('a write that was cut off leaves the old state', async () => {
    const journal = await beginRefactor(repository, options, '1', now);
    writeFileSync(join(journal.folder, 'journal.json.new'), '{"half');
    expect(Journal.open(journal.folder).state).toEqual(journal.state);
    writeAtomically(join(journal.folder, 'journal.json'), 'nonsense');
    expect(() => Journal.open(journal.folder)).toThrow('no refactor that can be resumed');
  });

  test.each([
    ['no file', { globs: ['*.py'] }, 'No file of the commit matches'],
    ['a branch that exists', { branch: 'main' }, 'exists already'],
    ['no branch name', { branch: 'a..b' }, 'is no name for a branch'],
  ])('%s: said before anything is done', async (_name, wrong, message) => {
    await expect(beginRefactor(repository, { ...options, ...wrong }, '1', now)).rejects.toThrow(message);
  });
});

test('no repository, or one without commits, is said with a remedy', async () => {
  await expect(openRepository(tmpdir())).rejects.toThrow('git init');
  mkdirSync(join(folder, 'fresh'));
  sh('git init -q fresh');
  await expect(openRepository(join(folder, 'fresh'))).rejects.toThrow('Commit the files first');
});
