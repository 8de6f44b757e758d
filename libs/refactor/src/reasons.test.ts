import { expect, test } from '@jest/globals';
import type { SandboxOutcome } from '@acrouter/sandbox/sandbox';
import { checkFailure, failureOf, loopFailure, noAnswer } from './reasons';

test('a check that failed here: the command, with what it failed, how it ended, and its output apart', () => {
  expect(checkFailure('node test.js', 0, 'exit code 1\nline one\nline two')).toEqual({
    reason: '"node test.js" failed with this change alone: exit code 1',
    output: 'line one\nline two',
  });
  expect(checkFailure('v', 1, 'exit code 2\n').reason).toBe(
    '"v" failed with this change on top of 1 that was merged before: exit code 2; it printed nothing',
  );
  expect(checkFailure('v', 3, 'exit code 2\nx').reason).toContain('on top of 3 that were merged before');
});

test.each<[SandboxOutcome, string | null]>([
  [{ kind: 'ended', exitCode: 0 }, null],
  [{ kind: 'ended', exitCode: 1 }, 'exit code 1'],
  [{ kind: 'timed-out', limit: 'wall' }, 'it took more than 300 s (--verify-timeout)'],
  [{ kind: 'timed-out', limit: 'cpu' }, 'it computed more than 300 s (--verify-timeout)'],
  [{ kind: 'killed', signal: 'SIGSEGV' }, 'it was killed by SIGSEGV'],
  [{ kind: 'out-of-memory' }, 'it needed more than 2 GB of memory'],
  [{ kind: 'output-flood' }, 'it printed far too much'],
])('%j: how it ended stands in one line before what it printed', (outcome, line) => {
  const result = {
    outcome,
    stdout: 'out',
    stderr: 'err\n',
    outputTruncated: false,
    limitsHit: [],
    durationMs: 1,
  };
  expect(failureOf(result, 2 * 1024 ** 3, 300_000)).toBe(line === null ? null : `${line}\nout\nerr`);
});

test('a command of many lines is shown in one, and not all of a long one', () => {
  const { reason } = checkFailure(`set -e\nnpm ci\n${'x'.repeat(200)}`, 0, 'exit code 1');
  expect(reason).toMatch(/^"set -e npm ci x+…" failed/);
  expect(reason.length).toBeLessThan(150);
});

test('what the loop knows is to be seen there', () => {
  expect(loopFailure('v', 'unsolved', 't').reason).toBe(
    '"v" did not pass with this change alone; acr explain t tells each attempt',
  );
  expect(loopFailure('v', 'unverified', 't').reason).toContain('could not be run on');
  expect(noAnswer('over-budget', 't')).toContain('--concurrency');
  for (const outcome of ['expired', 'failed', 'unsolved'] as const)
    expect(noAnswer(outcome, 't')).toContain('acr explain t');
});
