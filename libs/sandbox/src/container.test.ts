import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerArgs, ContainerSandbox, findEngine } from './container';
import { DEFAULT_SANDBOX_LIMITS, type SandboxResult } from './sandbox';

const limits = DEFAULT_SANDBOX_LIMITS;
const run = {
  name: 'acr-1',
  image: 'python:3.12-slim',
  folder: '/tmp/in',
  mounts: [{ from: '/pipes', to: '/judge' }],
  argv: ['python3', '-c', 'print(1)'],
  env: { EXTRA: 'yes' },
};
const args = (client = 'docker', runtime: 'runsc' | null = null) =>
  containerArgs({ client, runtime }, run, limits);
const has = (list: readonly string[], ...words: string[]) =>
  list.some((_, at) => words.every((word, i) => list[at + i] === word));

describe('containerArgs', () => {
  test.each([
    ['no network', ['--network', 'none']],
    ['a read-only root', ['--read-only']],
    ['no capability', ['--cap-drop', 'ALL']],
    ['no new privileges', ['--security-opt', 'no-new-privileges']],
    ['nobody', ['--user', '65534:65534']],
    ['memory for all processes', ['--memory', String(limits.memoryBytes)]],
    ['no swap on top', ['--memory-swap', String(limits.memoryBytes)]],
    ['a number of processes', ['--pids-limit', String(limits.processes + 2)]],
    ['no core files', ['--ulimit', 'core=0']],
    ['never a download', ['--pull', 'never']],
    ['removal at the end', ['--rm']],
    ['pipes read-only', ['--volume', '/pipes:/judge:ro']],
    ['files read-only', ['--volume', '/tmp/in:/in:ro']],
  ])('%s', (_what, words) => {
    expect(has(args(), ...words)).toBe(true);
  });

  test('nothing is mounted for writing but a tmpfs with a size', () => {
    const list = args();
    const volumes = list.flatMap((word, at) => (word === '--volume' ? [list[at + 1]] : []));
    expect(volumes.every((v) => v?.endsWith(':ro'))).toBe(true);
    const folders = list.flatMap((word, at) => (word === '--tmpfs' ? [list[at + 1] ?? ''] : []));
    expect(folders.map((f) => f.split(':')[0])).toEqual(['/box', '/tmp']);
    for (const folder of folders) expect(folder).toContain(`size=${limits.diskBytes}`);
  });

  test('docker bounds the number of files; podman has no such option', () => {
    expect(args('docker').join(' ')).toContain(`nr_inodes=${limits.files}`);
    expect(args('podman').join(' ')).not.toContain('nr_inodes');
  });

  test('gVisor is used where the engine has it', () => {
    expect(has(args('docker', 'runsc'), '--runtime', 'runsc')).toBe(true);
    expect(args()).not.toContain('--runtime');
  });

  test('never the engine’s socket, privileges or the host’s namespaces', () => {
    expect(args().join(' ')).not.toMatch(/docker\.sock|privileged|=host|--pid[ =]|--device/);
  });

  test('the program comes after the image, as words of its own', () => {
    const list = args();
    expect(list.slice(-3)).toEqual(run.argv);
    expect(list.indexOf(run.image)).toBeLessThan(list.length - 3);
  });
});

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
