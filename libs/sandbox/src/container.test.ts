import { describe, expect, test } from '@jest/globals';
import { containerArgs } from './container';
import { DEFAULT_SANDBOX_LIMITS } from './sandbox';

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
