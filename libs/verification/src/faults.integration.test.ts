import { describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxOutcome, SandboxRequest, SandboxResult } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from './verify';

const result = (outcome: SandboxOutcome, stdout = ''): SandboxResult => ({
  outcome,
  stdout,
  stderr: 'fork: Cannot allocate memory',
  outputTruncated: false,
  limitsHit: [],
  durationMs: 1,
});

const isPreparation = (request: SandboxRequest) =>
  request.argv.some((word) => word.includes('marshal.dumps'));

/** A sandbox that prepares the harness, then ends every run in one way. */
const sandboxThat = (run: Sandbox['run']): Sandbox => ({
  kind: 'bubblewrap',
  languages: new Map([
    ['python', 'Python 3'],
    ['bash', 'bash'],
  ]),
  run: (request, signal) =>
    isPreparation(request)
      ? Promise.resolve(result({ kind: 'ended', exitCode: 0 }, 'ab'))
      : run(request, signal),
  close: () => Promise.resolve(),
});

const task = { prompt: 'Write f.', language: 'python', verification: { tests: 'assert f() == 1' } };
const verify = (sandbox: Sandbox, of: Parameters<typeof verifyAnswer>[0] = task) =>
  verifyAnswer(of, 'def f():\n    return 1', { sandbox, token: () => 'token' });

describe('a fault of the machine is no verdict', () => {
  test.each([
    ['ended', { kind: 'ended', exitCode: 1 }],
    ['ran out of memory', { kind: 'out-of-memory' }],
    ['timed out', { kind: 'timed-out', limit: 'wall' }],
    ['was killed', { kind: 'killed', signal: 'SIGKILL' }],
  ] as [string, SandboxOutcome][])('the harness %s before it had its order', async (_what, outcome) => {
    await expect(verify(sandboxThat(async () => result(outcome)))).rejects.toMatchObject({
      code: 'ACR_SANDBOX_FAULT',
      retryable: true,
    });
  });

  test('the sandbox did not start', async () => {
    const fault = new AcrError('ACR_SANDBOX_FAULT', 'no process left');
    await expect(verify(sandboxThat(() => Promise.reject(fault)))).rejects.toBe(fault);
  });

  test('the sandbox of the answer did not start while its tests wait for it', async () => {
    const fault = new AcrError('ACR_SANDBOX_FAULT', 'no process left');
    const sandbox = sandboxThat((request, signal) => {
      if (!request.files) return Promise.reject(fault);
      // The command loads its answer, whose sandbox then fails, and would wait for it for ever.
      writeFileSync(join(request.mounts?.[0]?.from ?? '', 'start'), '0\n');
      return new Promise((resolve) =>
        signal?.addEventListener('abort', () => resolve(result({ kind: 'cancelled' }))),
      );
    });
    const command = {
      ...task,
      verification: { command: 'python3 t.py', files: { 't.py': 'import answer\nassert answer.f() == 1' } },
    };
    await expect(verify(sandbox, command)).rejects.toBe(fault);
  });

  test('but once the answer may have run, the same ends are its own', async () => {
    const verdict = await verify(
      sandboxThat(async () => result({ kind: 'out-of-memory' }, '\ntokenbegin\n')),
    );
    expect(verdict).toMatchObject({ passed: false, conclusive: true, refused: null });
  });

  test('an answer too large to check does not stop the machine', async () => {
    const sandbox = sandboxThat(async () => result({ kind: 'out-of-memory' }));
    const huge = `def f():\n    return 1\n${'#'.repeat(40_000_000)}`;
    const verdict = await verifyAnswer(task, huge, { sandbox, token: () => 'token' });
    expect(verdict).toMatchObject({ passed: false, refused: 'The answer is too large to check' });
  });

  test('and what the sandbox will not take is refused for good', async () => {
    const misuse = new AcrError('ACR_INVALID_REQUEST', 'too many files');
    const verdict = await verify(sandboxThat(() => Promise.reject(misuse)));
    expect(verdict).toMatchObject({ passed: false, conclusive: false, refused: 'too many files' });
  });
});
