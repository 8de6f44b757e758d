import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerSandbox, findEngine } from './container';
import type { SandboxResult } from './sandbox';

/** An engine's client that writes down how it is called and does what the test says. */
describe('with a stand-in for docker', () => {
  let folder: string;
  let client: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'acr-stand-in-'));
    client = join(folder, 'docker');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** `run` is what `docker run` does; other commands succeed. */
  function standIn(body: { run: string; info?: string }): ContainerSandbox {
    const script = `#!/bin/sh\necho "$1" >> ${folder}/calls\ncase "$1" in\nrun) ${body.run} ;;\ninfo) ${body.info ?? 'echo "{}"'} ;;\nesac\n`;
    writeFileSync(client, script);
    chmodSync(client, 0o755);
    return new ContainerSandbox({ client, runtime: null }, new Map([['python', 'python:3.12-slim']]));
  }
  const program = { language: 'python' as const, argv: ['{tool}', '-c', 'print(1)'] };
  const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

  test('output and exit code are the program’s, and the container is removed', async () => {
    const result = await standIn({ run: 'echo hello; echo oops >&2; exit 3' }).run(program);
    expect(result).toMatchObject({
      outcome: { kind: 'ended', exitCode: 3 },
      stdout: 'hello\n',
      stderr: 'oops\n',
    } satisfies Partial<SandboxResult>);
    expect(calls()).toEqual(['run', 'rm']);
  });

  test('the files of the request are there while it runs and gone afterwards', async () => {
    const script = `for word in "$@"; do case "$word" in *:/in:ro) echo "\${word%:/in:ro}" > ${folder}/in; cat "\${word%:/in:ro}/a/b.txt" ;; esac; done`;
    const result = await standIn({ run: script }).run({ ...program, files: { 'a/b.txt': 'text' } });
    expect(result.stdout).toBe('text');
    expect(existsSync(readFileSync(join(folder, 'in'), 'utf8').trim())).toBe(false);
  });

  test('a kernel kill that is not ours is memory', async () => {
    expect((await standIn({ run: 'exit 137' }).run(program)).outcome).toEqual({ kind: 'out-of-memory' });
  });

  test('an engine that fails is a fault of the machine, not of the program', async () => {
    const sandbox = standIn({ run: 'echo "no such image" >&2; exit 125' });
    await expect(sandbox.run(program)).rejects.toMatchObject({ code: 'ACR_SANDBOX_FAULT', retryable: true });
  });

  test('an engine that has gone is one too', async () => {
    const sandbox = standIn({ run: 'true' });
    rmSync(client);
    await expect(sandbox.run(program)).rejects.toMatchObject({ code: 'ACR_SANDBOX_FAULT' });
  });

  test('a program that floods is killed by its container’s name', async () => {
    const sandbox = standIn({ run: 'exec yes' });
    const result = await sandbox.run({ ...program, limits: { outputBytes: 1_000 } });
    expect(result.outcome).toEqual({ kind: 'output-flood' });
    expect(calls()).toContain('kill');
  });

  test('gVisor is found among the engine’s runtimes', async () => {
    standIn({ run: 'true', info: `echo '{"runc":{},"runsc":{}}'` });
    expect(await findEngine([client])).toEqual({ client, runtime: 'runsc' });
    standIn({ run: 'true', info: `echo '{"runc":{}}'` });
    expect(await findEngine([client])).toEqual({ client, runtime: null });
    standIn({ run: 'true', info: 'exit 1' });
    expect(await findEngine([join(folder, 'absent'), client])).toEqual({ client, runtime: null });
  });
});
