import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { VerificationSpec } from '@acrouter/domain/task';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from './verify';

jest.setTimeout(120_000);

let sandbox: Sandbox;
let pytest = true;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
  const tried = await sandbox.run({ language: 'python', argv: ['{tool}', '-m', 'pytest', '--version'] });
  pytest = tried.outcome.kind === 'ended' && tried.outcome.exitCode === 0;
});
afterAll(() => sandbox.close());

async function verify(language: string, answer: string, verification: VerificationSpec) {
  const task = { prompt: 'Do it.', language, verification: { timeoutMs: 30_000, ...verification } };
  const verdict = await verifyAnswer(task, answer, { sandbox, token: randomUUID });
  const { status, score, evidence } = verdict.signals[0] ?? {};
  return { ...verdict, status, testScore: score, evidence };
}

const NODE_TESTS = `const { test } = require('node:test');
const assert = require('node:assert');
const { area, edge } = require('./answer.js');
test('area', () => assert.strictEqual(area(3, 4), 12));
test('edge', () => assert.strictEqual(edge(3, 4), 14));
test.skip('later', () => assert.fail());
`;
const node = (reporter: string, more: VerificationSpec = {}): VerificationSpec => ({
  command: `node --test --test-reporter=${reporter} --test-reporter-destination=$ACR_REPORT area.test.js`,
  files: { 'area.test.js': NODE_TESTS },
  report: { format: 'node' },
  ...more,
});
const RIGHT = 'exports.area = (a, b) => a * b;\nexports.edge = (a, b) => 2 * (a + b);';
const HALF = 'exports.area = (a, b) => a * b;\nexports.edge = () => 0;';

describe.each([
  ['JUnit, apart', node('junit'), 'own-sandbox'],
  ['TAP, apart', node('tap'), 'own-sandbox'],
  ['JUnit, together', node('junit', { isolation: 'shared' }), 'none'],
  ['TAP, together', node('tap', { isolation: 'shared' }), 'none'],
  [
    'JUnit in a named file',
    node('junit', {
      command:
        'mkdir -p out; node --test --test-reporter=junit --test-reporter-destination=out/r.xml area.test.js',
      report: { format: 'node', path: 'out/r.xml' },
    }),
    'own-sandbox',
  ],
])('node --test: %s', (_name, verification, isolation) => {
  test('a right answer passes', async () => {
    expect(await verify('javascript', RIGHT, verification)).toMatchObject({
      passed: true,
      evidence: { isolation, passed: 2, failed: 0, skipped: 1 },
    });
  });

  test('half a right answer scores half, and the failure is named', async () => {
    const half = await verify('javascript', HALF, verification);
    expect(half).toMatchObject({ passed: false, conclusive: true, status: 'failed', testScore: 0.5 });
    expect(half.evidence?.['message']).toMatch(/^1 of 2 tests failed: .*edge/);
  });
});

describe('pytest', () => {
  const spec: VerificationSpec = {
    command: 'python3 -m pytest -q',
    files: {
      'test_area.py':
        'import pytest\nfrom answer import area\n\n@pytest.mark.parametrize("w,h,want", [(3, 4, 12), (0, 4, 0)])\ndef test_area(w, h, want):\n    assert area(w, h) == want\n',
    },
    report: { format: 'pytest' },
  };
  test.each(['separate', 'shared'] as const)('%s: right, half right and wrong', async (isolation) => {
    const check = (answer: string) => verify('python', answer, { ...spec, isolation });
    const right = await check('def area(w, h):\n    return w * h');
    // Without pytest there is no report, and nothing passes.
    expect(right).toMatchObject(pytest ? { passed: true, testScore: 1 } : { passed: false });
    const half = await check('def area(w, h):\n    return 12');
    expect(half).toMatchObject({ passed: false, testScore: pytest ? 0.5 : 0 });
    expect(await check('def volume(w, h):\n    return 12')).toMatchObject({ passed: false });
  });
});

describe('other reports', () => {
  const python = (script: string, format: 'junit' | 'tap' | 'go' | 'jest'): VerificationSpec => ({
    command: 'python3 check.py $ACR_REPORT',
    files: { 'check.py': `import sys\nfrom answer import f\nout = open(sys.argv[1], "w")\n${script}\n` },
    report: { format },
  });
  test.each([
    ['tap', 'print("1..2\\nok 1 - a" if f() == 1 else "1..2\\nnot ok 1 - a", "\\nok 2 - b", file=out)'],
    [
      'junit',
      "print(f\"<testsuite><testcase name='b'/><testcase name='a'>{'' if f() == 1 else '<failure/>'}</testcase></testsuite>\", file=out)",
    ],
    [
      'go',
      'import json\nfor t, ok in (("A", f() == 1), ("B", True)): print(json.dumps({"Action": "pass" if ok else "fail", "Package": "p", "Test": t}), file=out)',
    ],
    [
      'jest',
      'import json\nprint(json.dumps({"testResults": [{"name": "a", "assertionResults": [{"title": "a", "status": "passed" if f() == 1 else "failed"}, {"title": "b", "status": "passed"}]}]}), file=out)',
    ],
  ] as const)('%s', async (format, script) => {
    expect(await verify('python', 'def f(): return 1', python(script, format))).toMatchObject({
      passed: true,
    });
    expect(await verify('python', 'def f(): return 2', python(script, format))).toMatchObject({
      passed: false,
      testScore: 0.5,
    });
  });
});

describe('an exit code', () => {
  test('without the expected report is a failure', async () => {
    const verdict = await verify('python', 'x = 1', { command: 'true', report: { format: 'junit' } });
    expect(verdict).toMatchObject({ passed: false, conclusive: true, status: 'failed' });
    expect(verdict.evidence?.['reason']).toContain('exit code 0 and without the report');
  });

  test('other than 0 is a failure although every test passed', async () => {
    const command = 'echo "<testsuite><testcase name=\'a\'/></testsuite>" > $ACR_REPORT; exit 3';
    expect(await verify('python', 'x = 1', { command, report: { format: 'junit' } })).toMatchObject({
      passed: false,
      evidence: { exitCode: 3 },
    });
  });

  test.each([
    ['no test', '<testsuite/>'],
    ['only skipped tests', "<testsuite><testcase name='a'><skipped/></testcase></testsuite>"],
  ])('with a report of %s says nothing', async (_name, xml) => {
    const command = `echo "${xml}" > $ACR_REPORT`;
    expect(await verify('python', 'x = 1', { command, report: { format: 'junit' } })).toMatchObject({
      passed: false,
      conclusive: false,
      status: 'unavailable',
    });
  });
});

test('a folder of JUnit files is one report; what lay there before is gone', async () => {
  const one = (name: string) => `<testsuite><testcase name='${name}'/></testsuite>`;
  const command = `mkdir -p out; echo "${one('a')}" > out/1.xml; echo "${one('b')}" > out/2.xml`;
  const spec: VerificationSpec = {
    command,
    files: { 'out/0.xml': '<testsuite><testcase name="old"><failure/></testcase></testsuite>' },
    report: { format: 'junit', path: 'out' },
  };
  expect(await verify('bash', 'x', spec)).toMatchObject({ passed: true, evidence: { passed: 2 } });
});

test('a report is bounded, and must be a plain file', async () => {
  const run = (command: string) => verify('bash', 'x', { command, report: { format: 'junit' } });
  expect((await run('head -c 20000000 /dev/zero > $ACR_REPORT')).evidence?.['reason']).toContain('8 MB');
  expect((await run('ln -s /etc/passwd $ACR_REPORT')).evidence?.['reason']).toContain('without the report');
  expect((await run('mkfifo $ACR_REPORT')).evidence?.['reason']).toContain('without the report');
});
