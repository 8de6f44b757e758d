import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, CLASH, kindOf, RefactorServer } from './refactor-server';
import { acr, ROOT, run, Stack } from './stack';

jest.setTimeout(180_000);

/** Bar 2 of the refactor: 42 files, a model server of every kind, two kills, and the tree as it was. */
const FILES = 42;
const numbers = Array.from({ length: FILES }, (_, n) => n);
const TESTS = `'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
let changed = 0;
for (let n = 0; n < ${FILES}; n++) {
  assert.strictEqual(require('./src/m' + n + '.js').value(), n);
  if (${JSON.stringify(CLASH)}.includes(n) && fs.readFileSync('src/m' + n + '.js', 'utf8').includes('=>')) changed++;
}
assert.ok(changed < 2, 'these two do not go together');
`;

let server: RefactorServer;
let stack: Stack;
let repo: string;

const sh = async (command: string): Promise<string> => {
  const ran = await run('/bin/sh', ['-c', command], repo);
  if (ran.code !== 0) throw new Error(`${command}: ${ran.stderr}`);
  return ran.stdout;
};

beforeAll(async () => {
  server = await RefactorServer.start(150);
  stack = await Stack.start(server.modelsYaml());
  repo = mkdtempSync(join(tmpdir(), 'acr-refactor-e2e-'));
  mkdirSync(join(repo, 'src'));
  for (const n of numbers) writeFileSync(join(repo, `src/m${n}.js`), before(n));
  writeFileSync(join(repo, 'test.js'), TESTS);
  // Archives of this repository have no tests; ours must have them all the same.
  writeFileSync(join(repo, '.gitattributes'), 'test.js export-ignore\n');
  await sh(
    'git init -q -b main . && git config user.name T && git config user.email t@t && git add . && git commit -qm one',
  );
  writeFileSync(join(repo, 'src/m1.js'), `${before(1)}// not committed\n`);
  writeFileSync(join(repo, 'staged.txt'), 'staged\n');
  await sh('git add staged.txt');
  writeFileSync(join(repo, 'untracked.txt'), 'untracked\n');
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  await server?.stop();
  if (repo) rmSync(repo, { recursive: true, force: true });
});

/** Every byte of the working tree, the index and HEAD. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const walk = (folder: string) => {
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name);
      if (path === join(repo, '.git')) continue;
      if (statSync(path).isDirectory()) walk(path);
      else hash.update(`${path}\0${statSync(path).mode}\0`).update(readFileSync(path));
    }
  };
  walk(repo);
  for (const file of ['.git/index', '.git/HEAD', '.git/refs/heads/main', '.git/config'])
    hash.update(readFileSync(join(repo, file)));
  return hash.digest('hex');
}

/** Starts `acr refactor …` and kills it without warning as soon as `when` says so. Returns what it said. */
async function killed(args: string[], when: (said: string) => boolean): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'apps/cli/bin/acr.mjs'), ...args], { cwd: repo });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((done) => child.once('exit', done));
  while (!when(said) && child.exitCode === null) await sleep(20);
  if (child.exitCode !== null) throw new Error(`ended before it could be killed: ${said}`);
  child.kill('SIGKILL');
  await ended;
  return said;
}

interface Report {
  branch: string;
  head: string;
  base: string;
  merged: number;
  failed: number;
  costUsd: number;
  unknownCalls: number;
  folder: string;
  files: {
    paths: string[];
    status: string;
    reason: string | null;
    commit: string;
    model: string;
    models: string[];
    patch: string | null;
  }[];
}

test('killed twice and resumed: right answers merged, wrong ones not, tree untouched, report true', async () => {
  const untouched = fingerprint();
  const where = ['--url', stack.state.url, '--repo', '.'];
  const args = [
    '--glob',
    'src/**/*.js',
    '--instruction',
    'Make value an arrow function.',
    '--verify',
    'node test.js',
  ];
  const more = ['--branch', 'arrows', '--max-attempts', '2', '--concurrency', '12', '--max-cost-usd', '5'];

  await killed(['refactor', ...where, ...args, ...more], () => server.asked.length >= 15);
  await killed(['refactor', 'resume', ...where], (said) => /\n {2}(green|red) /.test(said));
  const asked = server.asked.length;
  const last = await acr(['refactor', 'resume', ...where, '--json'], repo);
  expect(last.stderr).not.toContain('error');
  expect(server.asked.length).toBe(asked);
  expect(fingerprint()).toBe(untouched);

  const report = JSON.parse(last.stdout) as Report;
  expect(last.code).toBe(1);
  const merged = report.files
    .filter((f) => f.status === 'merged')
    .map((f) => Number(/\d+/.exec(f.paths[0] ?? '')));
  const right = numbers.filter((n) => kindOf('strong', n) === 'right' && !CLASH.includes(n));
  const clashing = merged.filter((n) => CLASH.includes(n));
  expect(clashing).toHaveLength(1);
  expect(merged.filter((n) => !CLASH.includes(n)).sort((a, b) => a - b)).toEqual(right);
  expect([report.merged, report.failed]).toEqual([right.length + 1, FILES - right.length - 1]);

  // Nothing was asked twice, and every call is in the report.
  expect(new Set(server.asked).size).toBe(server.asked.length);
  const reported = report.files.flatMap((f) => f.models.map((m) => `${m} ${f.paths[0]}`));
  expect(reported.sort()).toEqual([...server.asked].sort());
  const price: Record<string, number> = { cheap: 1, strong: 5 };
  const answered = server.asked.filter((a) => kindOf('', Number(/\d+/.exec(a))) !== 'none');
  // A refused call told no usage: its cost is unknown, not 0.
  expect(report.unknownCalls).toBe(server.asked.length - answered.length);
  const cost = answered.reduce(
    (sum, a) => sum + ((price[a.split(' ')[0] ?? ''] ?? 0) * (300 + 4 * 60)) / 1e6,
    0,
  );
  expect(report.costUsd).toBeCloseTo(cost, 9);

  // The branch: one commit per file, each of them green, and nothing else changed.
  const commits = (await sh(`git rev-list --reverse main..${report.branch}`)).trim().split('\n');
  expect(commits).toHaveLength(merged.length);
  expect(new Set(commits)).toEqual(new Set(report.files.flatMap((f) => (f.commit ? [f.commit] : []))));
  const copy = join(repo, '..', `${repo.split('/').at(-1)}-copy`);
  await sh(`git clone -q . ${copy}`);
  try {
    for (const commit of commits) {
      await sh(`cd ${copy} && git checkout -q ${commit} && node test.js`);
      expect((await sh(`git show --name-only --format= ${commit}`)).trim().split('\n')).toHaveLength(1);
    }
    for (const n of numbers) {
      const text = readFileSync(join(copy, `src/m${n}.js`), 'utf8');
      expect(text).toBe(merged.includes(n) ? after(n) : before(n));
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }

  // What failed: a reason each, and a patch that applies where there was a change.
  for (const file of report.files.filter((f) => f.status === 'failed')) {
    const n = Number(/\d+/.exec(file.paths[0] ?? ''));
    expect(file.reason).toBeTruthy();
    if (kindOf('strong', n) === 'none') expect(file.patch).toBeNull();
    else if (kindOf('strong', n) === 'broken') expect(file.patch).toMatch(/\.answer\.md$/);
    else await sh(`git apply --check --cached ${join(report.folder, file.patch ?? '')}`);
  }
  expect(fingerprint()).toBe(untouched);
});

test('with a folder that git ignores, a check per file, and Ctrl-C in between', async () => {
  const small = mkdtempSync(join(tmpdir(), 'acr-refactor-small-'));
  try {
    mkdirSync(join(small, 'src'));
    mkdirSync(join(small, 'node_modules/judge'), { recursive: true });
    for (const n of [0, 3, 4, 5]) writeFileSync(join(small, `src/m${n}.js`), before(n));
    writeFileSync(join(small, '.gitignore'), 'node_modules\n');
    writeFileSync(join(small, 'node_modules/judge/index.js'), "module.exports = require('assert').equal;\n");
    const loop =
      "for (const n of [0, 3, 4, 5]) require('judge')(require('./src/m' + n + '.js').value(), n);\n";
    writeFileSync(join(small, 'test.js'), loop);
    const git = 'git init -q -b main . && git add . && git -c user.name=T -c user.email=t@t commit -qm one';
    expect((await run('/bin/sh', ['-c', git], small)).code).toBe(0);
    const where = ['--url', stack.state.url, '--repo', small];
    const args = [
      '--glob',
      'src/*.js',
      '--instruction',
      'Make value an arrow function.',
      '--verify',
      'node test.js',
    ];

    const without = await acr(['refactor', ...where, ...args], small);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('--include node_modules');
    const dry = await acr(['refactor', ...where, ...args, '--dry-run'], small);
    expect(dry.stdout.split('\n').filter((line) => /^src.m\d.js .*tokens/.test(line))).toHaveLength(4);

    const asked = server.asked.length;
    const more = [
      '--include',
      'node_modules',
      '--per-file-verify',
      'node --check {file}',
      '--concurrency',
      '1',
      '--max-attempts',
      '2',
    ];
    const child = spawn(process.execPath, [
      join(ROOT, 'apps/cli/bin/acr.mjs'),
      'refactor',
      ...where,
      ...args,
      ...more,
    ]);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((done) => child.once('exit', done));
    while (server.asked.length === asked && child.exitCode === null) await sleep(20);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const id = /acr refactor resume (\S+)/.exec(said)?.[1] ?? '';
    // Somebody else takes the name meanwhile: said before anything is done, and another name may be given.
    expect((await run('git', ['branch', `acr/refactor-${id}`], small)).code).toBe(0);
    const taken = await acr(['refactor', 'resume', id, ...where], small);
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain('exists already');
    expect(taken.stderr).not.toContain('Verifying');
    const last = await acr(['refactor', 'resume', id, ...where, '--branch', 'mine', '--json'], small);
    const report = JSON.parse(last.stdout) as Report;
    expect(report.files.map((f) => [f.paths[0], f.status])).toEqual([
      ['src/m0.js', 'merged'],
      ['src/m3.js', 'merged'],
      ['src/m4.js', 'merged'],
      ['src/m5.js', 'failed'],
    ]);
    // The wrong one was right when told why; the broken one was not.
    expect(report.files.map((f) => f.models.length)).toEqual([1, 2, 1, 2]);
    expect(server.asked.length - asked).toBe(6);
    expect(report.branch).toBe('mine');
    expect((await run('git', ['status', '--porcelain'], small)).stdout).toBe('');
  } finally {
    rmSync(small, { recursive: true, force: true });
  }
});
