import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { VerificationSpec } from '@acrouter/domain/task';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from '../verify';
import { Repositories } from './repositories';
import { TestRepositories } from './testing-repository';

jest.setTimeout(120_000);

const FILES = {
  'src/area.js': 'exports.area = (w, h) => w + h;\nexports.name = "area";\n',
  'src/text.js': 'exports.upper = (s) => s.toUpperCase();\n',
  'test/area.test.js': `const { test } = require('node:test');
const assert = require('node:assert');
const { area, name } = require('../src/area.js');
test('area of a square', () => assert.strictEqual(area(3, 3), 9));
test('area of nothing', () => assert.strictEqual(area(0, 0), 0));
test('name', () => assert.strictEqual(name, 'area'));
`,
  'test/text.test.js': `const { test } = require('node:test');
const { upper } = require('../src/text.js');
test('upper', () => require('node:assert').strictEqual(upper('a'), 'A'));
`,
  'package.json': '{"name": "widgets"}\n',
};
const SPEC = {
  command: 'node --test --test-reporter=junit --test-reporter-destination=$ACR_REPORT',
  report: { format: 'node' as const },
  failToPass: ['area of a square'],
};
const RIGHT =
  '```diff\n--- a/src/area.js\n+++ b/src/area.js\n@@ -1,2 +1,2 @@\n-exports.area = (w, h) => w + h;\n+exports.area = (w, h) => w * h;\n exports.name = "area";\n```\n';

const given = new TestRepositories();
let sandbox: Sandbox;
let repositories: Repositories;
let base: string;
beforeAll(async () => {
  base = given.create('widgets', FILES);
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
  repositories = await Repositories.open(given.root);
});
afterAll(async () => {
  await repositories.close();
  await sandbox.close();
  given.close();
});

async function verify(
  answer: string,
  more: Partial<VerificationSpec> = {},
  language: string | null = 'javascript',
) {
  const verification: VerificationSpec = { ...SPEC, repository: { name: 'widgets', base }, ...more };
  const task = { prompt: 'Make area multiply.', language, verification };
  const verdict = await verifyAnswer(task, answer, { sandbox, token: randomUUID, repositories });
  const { status, score, evidence } = verdict.signals[0] ?? {};
  return { ...verdict, status, share: score, evidence: evidence ?? {} };
}

test('a right diff is resolved', async () => {
  const verdict = await verify(RIGHT);
  expect(verdict).toMatchObject({ passed: true, share: 1, conclusive: true });
  expect(verdict.evidence).toMatchObject({
    failToPass: { required: 1, passed: 1 },
    passToPass: { required: 3, passed: 3 },
    before: { passed: 3, failed: 1 },
    changed: ['src/area.js'],
    restored: [],
    planted: 2,
  });
});

test('so is a whole file, a new file beside it, and a task whose language nobody named', async () => {
  const answer =
    '`src/area.js`\n```js\nconst { times } = require("./times.js");\nexports.area = times;\nexports.name = "area";\n```\n' +
    '`src/times.js`\n```js\nexports.times = (a, b) => a * b;\n```\n';
  expect(await verify(answer, {}, null)).toMatchObject({ passed: true, share: 1 });
});

test.each<[string, string, number, string]>([
  [
    'fixes nothing',
    RIGHT.replace('+exports.area = (w, h) => w * h;', '+exports.area = (w, h) => h + w;'),
    3 / 4,
    'area of a square',
  ],
  [
    'breaks another test',
    RIGHT.replace(' exports.name = "area";', '-exports.name = "area";\n+exports.name = "x";'),
    3 / 4,
    'name',
  ],
  ['does not load', RIGHT.replace('(w, h) => w * h', '(w, h) =>'), 1 / 4, 'missing'],
])('a diff that %s is not', async (_name, answer, share, names) => {
  const verdict = await verify(answer);
  expect(verdict).toMatchObject({ passed: false, conclusive: true, status: 'failed', share });
  expect(JSON.stringify(verdict.evidence['failures'])).toContain(names);
});

test.each([
  [
    'does not apply',
    RIGHT.replace('-exports.area = (w, h) => w + h;', '-exports.area = (w, h) => w - h;'),
    'hunk 1 of the diff of src/area.js does not apply',
  ],
  [
    'leaves the tree',
    '```diff\n--- /dev/null\n+++ b/../evil.js\n@@ -0,0 +1 @@\n+x\n```',
    'no path inside the repository',
  ],
  [
    'makes a link',
    '```diff\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n```',
    'a link or',
  ],
  [
    'only edits the tests',
    '`test/area.test.js`\n```js\nrequire("node:test").test("area of a square", () => {});\n```',
    'nothing but protected files',
  ],
  ['is prose', 'You should multiply.', 'neither a diff nor'],
])('an answer that %s fails, saying why', async (_name, answer, reason) => {
  const verdict = await verify(answer);
  expect(verdict).toMatchObject({ passed: false, conclusive: true, status: 'failed', share: 0 });
  expect(verdict.evidence['reason']).toContain(reason);
});

test('tests and settings that an answer edits or deletes are restored, and it is judged by the rest', async () => {
  const more =
    '```diff\n--- a/test/text.test.js\n+++ /dev/null\n@@ -1,3 +0,0 @@\n' +
    FILES['test/text.test.js']
      .trimEnd()
      .split('\n')
      .map((l) => `-${l}`)
      .join('\n') +
    '\n--- a/package.json\n+++ b/package.json\n@@ -1 +1 @@\n-{"name": "widgets"}\n+{"name": "w", "type": "module"}\n```\n';
  const verdict = await verify(RIGHT + more);
  expect(verdict).toMatchObject({
    passed: true,
    evidence: { restored: ['test/text.test.js', 'package.json'] },
  });
  const allowed = await verify(RIGHT + more, { allow: ['package.json'] });
  expect(allowed).toMatchObject({ passed: false, evidence: { restored: ['test/text.test.js'] } });
});

test('files of the task lie over the repository, before and after', async () => {
  const hidden = `const { test } = require('node:test');
const { area } = require('../src/area.js');
test('hidden', () => require('node:assert').strictEqual(area(5, 4), 20));
`;
  const spec = { files: { 'test/hidden.test.js': hidden }, failToPass: ['hidden', 'area of a square'] };
  expect(await verify(RIGHT, spec)).toMatchObject({
    passed: true,
    evidence: { failToPass: { required: 2, passed: 2 } },
  });
});

test('without a report the exit code decides, before and after', async () => {
  const spec = { report: undefined, failToPass: undefined, command: 'node --test' };
  expect(await verify(RIGHT, spec)).toMatchObject({ passed: true });
  expect(await verify(RIGHT.replace('w * h', 'w - h'), spec)).toMatchObject({
    passed: false,
    status: 'failed',
  });
});

describe('a task that cannot be used says nothing of the answer', () => {
  test.each<[string, Partial<VerificationSpec>, string]>([
    ['a test that passes before', { failToPass: ['upper'] }, '"upper" should fail before'],
    ['a test that is not there', { passToPass: ['lower'] }, '"lower" should pass before'],
    ['a command without report', { command: 'true' }, 'the unchanged repository cannot be tested'],
    [
      'no test at all',
      { command: 'echo "<testsuites/>" > $ACR_REPORT', failToPass: [] },
      'no test passes before',
    ],
  ])('%s', async (_name, spec, reason) => {
    const verdict = await verify(RIGHT, spec);
    expect(verdict).toMatchObject({ passed: false, conclusive: false, status: 'unavailable' });
    expect(verdict.evidence['reason']).toContain(reason);
  });

  test.each<[string, VerificationSpec['repository'] & object, string]>([
    ['an unknown repository', { name: 'none', base: 'abcdef1' }, 'no repository "none"'],
    ['an unknown commit', { name: 'widgets', base: 'abcdef1' }, 'no commit abcdef1'],
    ['a folder that is none', { name: 'widgets/src', base: 'abcdef1' }, 'neither a working tree'],
    [
      'what is not there to include',
      { name: 'widgets', base: '', include: ['node_modules'] },
      'no node_modules',
    ],
  ])('%s: refused', async (_name, repository, reason) => {
    const verdict = await verify(RIGHT, { repository: { ...repository, base: repository.base || base } });
    expect(verdict).toMatchObject({
      passed: false,
      conclusive: false,
      refused: expect.stringContaining(reason),
    });
  });

  test('no folder of repositories: refused', async () => {
    const task = { prompt: 'x', verification: { ...SPEC, repository: { name: 'widgets', base } } };
    const verdict = await verifyAnswer(task, RIGHT, { sandbox, token: randomUUID });
    expect(verdict).toMatchObject({
      conclusive: false,
      refused: expect.stringContaining('ACR_REPOSITORIES'),
    });
  });

  test('a repository outside of the folder, by a link: refused', async () => {
    symlinkSync(tmpdir(), join(given.root, 'elsewhere'));
    const verdict = await verify(RIGHT, { repository: { name: 'elsewhere', base } });
    expect(verdict.refused).toContain('outside of ACR_REPOSITORIES');
  });
});

test('bare repositories and bundles are read as well, and abbreviated ids', async () => {
  given.git('widgets', 'clone', '--quiet', '--bare', '.', '../bare.git');
  given.git('widgets', 'bundle', 'create', '--quiet', '../widgets.bundle', '--all');
  for (const name of ['bare.git', 'widgets.bundle'])
    expect(await verify(RIGHT, { repository: { name, base: base.slice(0, 10) } })).toMatchObject({
      passed: true,
    });
});

test('what git does not hold can be included, read-only', async () => {
  given.write('widgets', { 'lib/one/index.js': 'module.exports = 1;\n' });
  const command = `node -e "require('./lib/one'); try { require('fs').writeFileSync('lib/one/x', '') } catch { process.exit(0) } process.exit(1)" && ${SPEC.command}`;
  const repository = { name: 'widgets', base, include: ['lib'] };
  expect(await verify(RIGHT, { command, repository })).toMatchObject({ passed: true });
  expect(existsSync(join(given.root, 'widgets/lib/one/x'))).toBe(false);
});

test('a repository cannot make git run anything here', async () => {
  const marker = join(given.root, 'ran');
  const hostile = given.create('hostile', {
    ...FILES,
    '.gitattributes': '* filter=evil diff=evil\ntest/** export-ignore\nsrc/area.js text eol=crlf\n',
  });
  const settings = {
    'filter.evil.smudge': `touch ${marker}`,
    'core.fsmonitor': `touch ${marker}`,
    'core.sshCommand': 'x',
  };
  for (const [key, value] of Object.entries(settings)) given.git('hostile', 'config', key, value);
  given.write('hostile', { '.git/hooks/post-checkout': `#!/bin/sh\ntouch ${marker}\n` });
  execFileSync('chmod', ['+x', join(given.root, 'hostile/.git/hooks/post-checkout')]);
  expect(await verify(RIGHT, { repository: { name: 'hostile', base: hostile } })).toMatchObject({
    passed: true,
  });
  expect(existsSync(marker)).toBe(false);
});

describe('the run without the answer', () => {
  const counted = () => {
    let runs = 0;
    const counting: Sandbox = {
      kind: sandbox.kind,
      languages: sandbox.languages,
      close: () => Promise.resolve(),
      run: (request, signal) => (runs++, sandbox.run(request, signal)),
    };
    return { counting, runs: () => runs };
  };

  test('is made once for many answers, also at the same time', async () => {
    const own = await Repositories.open(given.root);
    const { counting, runs } = counted();
    const task = {
      prompt: 'x',
      language: 'js',
      verification: { ...SPEC, repository: { name: 'widgets', base } },
    };
    const deps = { sandbox: counting, token: randomUUID, repositories: own };
    const verdicts = await Promise.all(
      [RIGHT, RIGHT, RIGHT].map((answer) => verifyAnswer(task, answer, deps)),
    );
    expect(verdicts.map((v) => v.passed)).toEqual([true, true, true]);
    expect(runs()).toBe(4);
    await own.close();
  });
});

describe('temporary folders', () => {
  const mine = () => readdirSync(tmpdir()).filter((n) => n.startsWith(`acr-repository-${process.pid}-`));

  test('hold no copy after a check, and are gone after the end', async () => {
    const own = await Repositories.open(given.root);
    const before = mine().length;
    await (await own.copy('widgets', base)).close();
    const folders = mine().map((name) =>
      readdirSync(join(tmpdir(), name)).filter((n) => n.startsWith('copy')),
    );
    expect(folders.flat()).toEqual([]);
    await own.close();
    expect(mine()).toHaveLength(before - 1);
  });

  test('of a killed process are removed when the next one opens', async () => {
    const last = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
    const left = join(tmpdir(), `acr-repository-${last + 1}-dead`);
    mkdirSync(join(left, 'copy-1'), { recursive: true });
    await (await Repositories.open(given.root)).close();
    expect(existsSync(left)).toBe(false);
  });
});

test('the repository itself is as it was', () => {
  expect(given.git('widgets', 'rev-parse', 'HEAD')).toBe(base);
  expect(given.git('widgets', 'status', '--porcelain', '--untracked-files=no')).toBe('');
  expect(given.git('widgets', 'for-each-ref', '--format=%(refname)').split('\n')).toHaveLength(1);
});
