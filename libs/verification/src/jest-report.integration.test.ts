import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { plant, type Planted } from '@acrouter/domain/verification/planted';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { reportFinding, testedBy, type Tested } from './report-finding';
import { reportedRequest } from './reported-run';
import { readTestReport } from './reports/read-report';

jest.setTimeout(180_000);

const MODULES = join(__dirname, '../../../node_modules');
const SUITE = `const { area } = require('./area');
describe('area', () => {
  test('of a square', () => expect(area(3, 3)).toBe(9));
  it.each([[0, 5], [5, 0]])('of %d and %d is nothing', (w, h) => expect(area(w, h)).toBe(0));
  test.todo('of a circle');
});
`;
const RIGHT = 'exports.area = (w, h) => w * h;\n';
const WRONG = 'exports.area = (w, h) => w + h;\n';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

/** Whether the sandbox's user can read this project's packages, which it cannot below a closed home folder. */
function isOpenToAll(path: string): boolean {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder))
    if ((statSync(folder).mode & 0o005) !== 0o005) return false;
  return true;
}

const planted = () => plant('jest', 'area.test.js', SUITE, randomUUID()) as Planted;

/** Jest as installed here: in the sandbox, its packages shown read-only, or beside us where they cannot be shown. */
async function run(
  area: string,
  p: Planted,
): Promise<{ tested: Tested; status?: string; evidence?: object }> {
  const files = { 'area.js': area, 'area.test.js': p.text, 'package.json': '{}' };
  if (!isOpenToAll(MODULES)) return { tested: await runHere(files) };
  const token = randomUUID();
  const request = reportedRequest(
    {
      language: 'javascript',
      files,
      mounts: [{ from: MODULES, to: '/repository/node_modules' }],
      limits: {
        wallMs: 90_000,
        cpuSeconds: 90,
        memoryBytes: 2 * 1024 ** 3,
        processes: 256,
        openFiles: 4_096,
      },
    },
    {
      command:
        'node node_modules/jest/bin/jest.js --ci --json --outputFile=$ACR_REPORT --cacheDirectory=/tmp/cache',
      report: { format: 'jest' },
      links: ['node_modules'],
      token,
      ownProcesses: true,
    },
  );
  const result = await sandbox.run(request);
  const tested = testedBy(result, token, 'jest');
  const { status, evidence } = reportFinding(result, tested, {
    format: 'jest',
    isolation: 'none',
    planted: [p],
  });
  return { tested, status, evidence };
}

async function runHere(files: Record<string, string>): Promise<Tested> {
  const folder = mkdtempSync(join(tmpdir(), 'acr-testing-jest-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const report = join(folder, 'report.json');
    const args = [
      join(MODULES, 'jest/bin/jest.js'),
      '--ci',
      '--json',
      `--outputFile=${report}`,
      '--rootDir',
      folder,
    ];
    const exitCode = await new Promise<number>((resolve) =>
      execFile(process.execPath, args, { cwd: folder }, (error) => resolve(error ? 1 : 0)),
    );
    const read = readTestReport('jest', [readFileSync(report, 'utf8')]);
    if (read.kind === 'refused') throw new Error(read.reason);
    return { kind: 'tested', tests: read.tests, exitCode };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const named = (tested: Tested, p: Planted) =>
  tested.kind === 'tested'
    ? tested.tests
        .filter((t) => ![...p.mustFail, ...p.mustPass].includes(t.name))
        .map((t) => `${t.group} > ${t.name}: ${t.status}`)
    : tested.reason;

test('a right module passes; its tests are told apart from the planted ones', async () => {
  const p = planted();
  const { tested, ...finding } = await run(RIGHT, p);
  expect(named(tested, p)).toEqual([
    'area > of a square: passed',
    'area > of 0 and 5 is nothing: passed',
    'area > of 5 and 0 is nothing: passed',
    'area > of a circle: skipped',
  ]);
  const results = (names: string[]) =>
    tested.kind === 'tested' ? tested.tests.filter((t) => names.includes(t.name)).map((t) => t.status) : [];
  expect(results(p.mustFail)).toEqual(['failed', 'failed', 'failed']);
  expect(results(p.mustPass)).toEqual(['passed']);
  expect(['passed', undefined]).toContain(finding.status);
});

test('a wrong module fails by name, and one that patches expect is found out', async () => {
  const [p, q] = [planted(), planted()];
  const { tested, ...wrong } = await run(WRONG, p);
  expect(named(tested, p)).toContain('area > of a square: failed');
  expect(['failed', undefined]).toContain(wrong.status);
  const patched = `${WRONG}const real = globalThis.expect;\nglobalThis.expect = () => new Proxy({}, { get: () => () => undefined });\n`;
  const cheat = await run(patched, q);
  expect(named(cheat.tested, q)).toContain('area > of a square: passed');
  const pretended =
    cheat.tested.kind === 'tested' ? cheat.tested.tests.filter((t) => q.mustFail.includes(t.name)) : [];
  expect(pretended.some((t) => t.status === 'passed')).toBe(true);
  expect(['failed', undefined]).toContain(cheat.status);
});
