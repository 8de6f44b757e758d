import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from './open';
import type { Sandbox, SandboxLimits } from './sandbox';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const python = (code: string, limits: Partial<SandboxLimits> = {}) =>
  sandbox.run({ language: 'python', argv: ['{tool}', '-I', '-c', code], limits });

jest.setTimeout(30_000);

describe('bubblewrap', () => {
  test('runs Python with its files, and gives it nothing of the host', async () => {
    const result = await sandbox.run({
      language: 'python',
      argv: ['{tool}', '-I', 'main.py'],
      files: {
        'main.py':
          'import os,sys\nprint(open("a/b.txt").read(), sys.stdin.read(), os.getuid(), sorted(os.environ), os.listdir("."), os.listdir("/proc/self/fd"))',
        'a/b.txt': 'text',
      },
      stdin: 'input',
    });
    expect(result.stderr).toBe('');
    expect(result.outcome).toEqual({ kind: 'ended', exitCode: 0 });
    expect(result.stdout).toContain('text input 65534');
    expect(result.stdout).toContain("['0', '1', '2', '3']");
  });

  test('runs the Node of this process', async () => {
    const result = await sandbox.run({
      language: 'javascript',
      argv: ['{tool}', '-e', 'console.log(process.version)'],
    });
    expect(result).toMatchObject({ outcome: { kind: 'ended', exitCode: 0 }, stdout: `${process.version}\n` });
  });

  test('tells the ends of a run apart', async () => {
    expect((await python('while True: pass', { wallMs: 500 })).outcome).toEqual({
      kind: 'timed-out',
      limit: 'wall',
    });
    expect((await python('while True: pass', { cpuSeconds: 1 })).outcome).toEqual({
      kind: 'timed-out',
      limit: 'cpu',
    });
    expect(
      (await python('x = bytearray(2_000_000_000)\nfor i in range(0, len(x), 4096): x[i]=1')).outcome,
    ).toEqual({
      kind: 'out-of-memory',
    });
    expect((await python('import os; os.abort()')).outcome).toEqual({ kind: 'killed', signal: 'SIGABRT' });
    expect((await python('raise SystemExit(7)')).outcome).toEqual({ kind: 'ended', exitCode: 7 });
    const noisy = await python('print("x" * 2_000_000)');
    expect(noisy).toMatchObject({
      outcome: { kind: 'ended', exitCode: 0 },
      outputTruncated: true,
      limitsHit: ['output'],
    });
    expect(noisy.stdout).toHaveLength(1024 * 1024);
    const flood = await python('while True: print("x" * 100_000)');
    expect(flood.outcome).toEqual({ kind: 'output-flood' });
  });

  test('can be cancelled', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const result = await sandbox.run(
      { language: 'python', argv: ['{tool}', '-c', 'while True: pass'] },
      controller.signal,
    );
    expect(result.outcome).toEqual({ kind: 'cancelled' });
  });
});

describe('a fault of the machine', () => {
  test('is told from the program’s own doing, and can be tried again', async () => {
    const broken = sandbox.run({
      language: 'python',
      argv: ['{tool}', '-c', 'pass'],
      mounts: [{ from: '/no-such-folder-of-the-host', to: '/judge' }],
    });
    await expect(broken).rejects.toMatchObject({ code: 'ACR_SANDBOX_FAULT', retryable: true });
    expect((await python('print(1)')).stdout).toBe('1\n');
  });

  test('cannot be pretended by a program that writes what bubblewrap would', async () => {
    const result = await python(
      'import sys; sys.stderr.write("bwrap: Can\'t mount: No space left\\n"); sys.exit(1)',
    );
    expect(result.outcome).toEqual({ kind: 'ended', exitCode: 1 });
  });

  test('is not a program that is missing inside', async () => {
    const result = await sandbox.run({ language: 'python', argv: ['/no/such/program'] });
    expect(result.outcome).toEqual({ kind: 'ended', exitCode: 127 });
  });
});
