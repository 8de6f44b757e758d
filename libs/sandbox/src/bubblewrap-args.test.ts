import { describe, expect, test } from '@jest/globals';
import { bubblewrapArgs, FIRST_FILE_FD, type BubblewrapRun, type HostFolders } from './bubblewrap-args';
import { DEFAULT_SANDBOX_LIMITS } from './sandbox';

const host: HostFolders = {
  base: ['/usr/bin', '/usr/lib'],
  links: [['usr/bin', '/bin']],
  extras: ['/etc/ld.so.cache'],
  places: new Map([['/root/python', '/mnt/0']]),
};
const run: BubblewrapRun = {
  toolchain: {
    language: 'python',
    program: '/root/python/bin/python3',
    version: 'Python 3',
    prefixes: ['/root/python'],
    env: { PYTHONHOME: '/root/python' },
  },
  argv: ['/root/python/bin/python3', '-c', 'print(1)'],
  env: { EXTRA: 'yes' },
  files: ['a.py', 'b/c.txt'],
  mounts: [{ from: '/host/pipes', to: '/judge' }],
  hideProc: false,
  limits: DEFAULT_SANDBOX_LIMITS,
  gated: true,
  seccomp: true,
};
const args = (change: Partial<BubblewrapRun> = {}) => bubblewrapArgs(host, { ...run, ...change });
/** Whether `words` stand in a row. */
const has = (list: readonly string[], ...words: string[]) =>
  list.some((_, at) => words.every((word, i) => list[at + i] === word));

describe('bubblewrapArgs', () => {
  test('every namespace is new, no capability stays, no environment passes', () => {
    for (const flag of ['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent'])
      expect(args()).toContain(flag);
    for (const flag of ['--new-session', '--clearenv']) expect(args()).toContain(flag);
    expect(has(args(), '--cap-drop', 'ALL')).toBe(true);
    expect(has(args(), '--uid', '65534')).toBe(true);
  });

  test('nothing of the host is bound for writing', () => {
    expect(args().filter((word) => /^--(dev-)?bind(-try)?$/.test(word))).toEqual([]);
    expect(args().filter((word) => word === '--ro-bind')).toHaveLength(5);
    const lastTmpfs = args().lastIndexOf('--tmpfs');
    expect(args().indexOf('/', lastTmpfs)).toBe(args().lastIndexOf('--remount-ro') + 1);
  });

  test('each folder that can be written to is a tmpfs with a size', () => {
    const list = args();
    const folders = list.flatMap((word, at) => (word === '--tmpfs' ? [list[at + 1]] : []));
    expect(folders).toEqual(['/dev/shm', '/tmp', '/box']);
    for (const folder of folders)
      expect(list.slice(list.indexOf(folder as string) - 5, list.indexOf(folder as string))).toContain(
        String(run.limits.diskBytes),
      );
  });

  test('a toolchain that lies where only root may go is bound from its other place', () => {
    expect(has(args(), '--ro-bind', '/mnt/0', '/root/python')).toBe(true);
  });

  test('limits are set before the program begins, and memory per process only without control groups', () => {
    const list = args();
    const program = list.lastIndexOf('/root/python/bin/python3');
    expect(list.indexOf('/usr/bin/prlimit')).toBeGreaterThan(0);
    expect(list.indexOf('/usr/bin/prlimit')).toBeLessThan(program);
    expect(list).toContain(`--nproc=${run.limits.processes}`);
    expect(list.some((word) => word.startsWith('--data='))).toBe(false);
    expect(args({ gated: false })).toContain(`--data=${run.limits.memoryBytes}`);
  });

  test('/proc is left out where two processes must not see each other', () => {
    expect(has(args(), '--proc', '/proc')).toBe(true);
    expect(args({ hideProc: true })).not.toContain('--proc');
  });

  test('files come by descriptors in their order', () => {
    expect(has(args(), '--file', String(FIRST_FILE_FD), '/box/a.py')).toBe(true);
    expect(has(args(), '--file', String(FIRST_FILE_FD + 1), '/box/b/c.txt')).toBe(true);
  });

  test('words of the program follow as they are, and none is taken for an option of bubblewrap', () => {
    const list = args({ argv: ['--ro-bind', '/etc', '/etc'] });
    expect(list.slice(-3)).toEqual(['--ro-bind', '/etc', '/etc']);
    expect(list.slice(0, list.indexOf('--'))).not.toContain('/etc');
  });
});
