import { expect, test } from '@jest/globals';
import type { Finding } from '@acrouter/domain/verification/signals';
import type { Checked, VerifyDependencies } from './check';
import { withRepeat } from './repeat';

const finding = (status: Finding['status'], evidence: Record<string, unknown> = {}): Finding => ({
  kind: 'tests',
  status,
  score: status === 'passed' ? 1 : 0.5,
  evidence: { given: true, ...evidence },
});
const failing = (...names: string[]) => finding('failed', { failures: names.map((name) => ({ name })) });

/** Runs that come out as told, and how many were made. */
async function repeated(runs: Finding[], flaky?: string[], signal?: AbortSignal) {
  let made = 0;
  const once = (): Promise<Checked> => {
    const found = runs[made++] as Finding;
    return Promise.resolve({ findings: [found], chosen: null, ran: true, refused: null });
  };
  const deps: VerifyDependencies = {
    sandbox: null,
    token: () => 'x',
    signal,
    flaky: flaky && (() => Promise.resolve(new Set(flaky))),
  };
  const { findings } = await withRepeat(once, deps);
  return { made, status: findings[0]?.status, evidence: findings[0]?.evidence ?? {} };
}

test.each<[string, Finding, string[] | undefined]>([
  ['passed', finding('passed'), ['a']],
  ['failed without any history', failing('a'), undefined],
  ['failed in a test that is not known to be flaky', failing('a', 'b'), ['a']],
  [
    'ran out of processor time',
    finding('timed-out', { outcome: { kind: 'timed-out', limit: 'cpu' } }),
    undefined,
  ],
  ['ran out of memory', finding('out-of-memory'), ['*']],
  ['was refused', { ...finding('refused'), score: null }, ['*']],
])('a check that %s is run once', async (_name, run, flaky) => {
  expect((await repeated([run], flaky)).made).toBe(1);
});

test('a time-out is repeated; a pass then counts as flaky, and both runs are kept', async () => {
  const { made, status, evidence } = await repeated([finding('timed-out'), finding('passed')]);
  expect({ made, status }).toEqual({ made: 2, status: 'passed' });
  expect(evidence).toMatchObject({
    repeated: 'time-out',
    flaky: true,
    disagreed: ['*'],
    runs: [
      { status: 'timed-out', failed: ['*'] },
      { status: 'passed', failed: [] },
    ],
    message: 'passed when repeated; the first run timed-out',
  });
});

test('two time-outs are one failure', async () => {
  const { made, status, evidence } = await repeated([finding('timed-out'), finding('timed-out')]);
  expect({ made, status, flaky: evidence['flaky'], disagreed: evidence['disagreed'] }).toEqual({
    made: 2,
    status: 'timed-out',
    flaky: false,
    disagreed: [],
  });
});

test('failures of tests known to be flaky are repeated, and what differs is told', async () => {
  const { made, status, evidence } = await repeated([failing('a', 'b'), failing('b')], ['a', 'b', 'c']);
  expect({ made, status }).toEqual({ made: 2, status: 'failed' });
  expect(evidence).toMatchObject({ repeated: 'history', disagreed: ['a'], flaky: false });
});

test('a check whose failures have no names is repeated when the whole is known to be flaky', async () => {
  expect((await repeated([finding('failed'), finding('passed')], ['*'])).status).toBe('passed');
});

test('a second run that says nothing leaves the first', async () => {
  const silent = { ...finding('refused'), score: null };
  expect((await repeated([finding('timed-out'), silent])).status).toBe('timed-out');
});

test('a check that was stopped is not repeated', async () => {
  expect((await repeated([finding('timed-out')], undefined, AbortSignal.abort())).made).toBe(1);
});
