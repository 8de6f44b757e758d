import { dirname } from 'node:path';
import type { SandboxLimits } from './sandbox';
import type { Toolchain } from './toolchains';

/** Working folder inside the sandbox; HOME too. */
export const WORK_FOLDER = '/box';

/** Descriptors of bubblewrap's own protocol; files follow from FIRST_FILE on. */
export const INFO_FD = 3;
export const BLOCK_FD = 4;
export const SECCOMP_FD = 5;
export const GATE_FD = 6;
export const BEGIN_FD = 7;
export const FIRST_FILE_FD = 8;

/**
 * Begins only when we are alive to say so. bubblewrap ties the program to its parent late, and takes a closed
 * BLOCK_FD for permission: without this gate a program could begin after a SIGKILL of ours, with nobody to end it.
 * It says so just before: what goes wrong earlier is the machine's fault and no verdict on the program.
 */
const GATE = [
  '/bin/sh',
  '-c',
  `read -r _ <&${GATE_FD} || exit 125; echo >&${BEGIN_FD}; exec ${GATE_FD}<&- ${BEGIN_FD}>&-; exec "$@"`,
  'sh',
];

/** What of the host bubblewrap must be told; found once at start-up. */
export interface HostFolders {
  /** Folders of BASE_FOLDERS that exist. */
  base: readonly string[];
  /** `[target, link]` of the links in / (`/lib` → `usr/lib`) that make the base usable. */
  links: readonly (readonly [string, string])[];
  /** Single files and folders shown as well (`/etc/ld.so.cache`, `/etc/alternatives`). */
  extras: readonly string[];
  /** Where a toolchain's folder can be reached from, when not at its own place. */
  places: ReadonlyMap<string, string>;
}

const ISOLATION = [
  '--unshare-all',
  '--unshare-user',
  '--disable-userns',
  '--die-with-parent',
  '--new-session',
  '--clearenv',
  '--cap-drop',
  'ALL',
  '--uid',
  '65534',
  '--gid',
  '65534',
  '--hostname',
  'sandbox',
];

function readOnlyRoot(host: HostFolders): string[] {
  return [
    ...host.base.flatMap((folder) => ['--ro-bind', folder, folder]),
    ...host.links.flatMap(([target, link]) => ['--symlink', target, link]),
    ...host.extras.flatMap((path) => ['--ro-bind', path, path]),
  ];
}

/** After the tmpfs mounts, one of which (/tmp) may lie above a toolchain. */
function toolchainFolders(host: HostFolders, toolchain: Toolchain): string[] {
  return toolchain.prefixes.flatMap((prefix) => ['--ro-bind', host.places.get(prefix) ?? prefix, prefix]);
}

function environment(toolchain: Toolchain, env: Readonly<Record<string, string>>): string[] {
  const all = {
    PATH: [...new Set([dirname(toolchain.program), '/usr/bin', '/bin'])].join(':'),
    HOME: WORK_FOLDER,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    USER: 'nobody',
    ...toolchain.env,
    ...env,
  };
  return Object.entries(all).flatMap(([name, value]) => ['--setenv', name, value]);
}

/** rlimits hold from inside, where the user namespace counts processes per sandbox and not per host user. */
function rlimits(limits: SandboxLimits, withDataLimit: boolean): string[] {
  return [
    '/usr/bin/prlimit',
    `--nproc=${limits.processes}`,
    `--fsize=${limits.fileBytes}`,
    `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`,
    `--nofile=${limits.openFiles}`,
    '--core=0',
    '--memlock=65536',
    '--msgqueue=0',
    ...(withDataLimit ? [`--data=${limits.memoryBytes}`] : []),
    '--',
  ];
}

/** One run, as bubblewrap's arguments. */
export interface BubblewrapRun {
  toolchain: Toolchain;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Paths relative to WORK_FOLDER; their contents come on FIRST_FILE_FD, FIRST_FILE_FD + 1, … */
  files: readonly string[];
  mounts: readonly { from: string; to: string }[];
  hideProc: boolean;
  limits: SandboxLimits;
  /** Whether BLOCK_FD is used, so that the run waits until it is in its control group. */
  gated: boolean;
  seccomp: boolean;
}

/** Everything after the word `bwrap`. Pure. */
export function bubblewrapArgs(host: HostFolders, run: BubblewrapRun): string[] {
  const size = String(run.limits.diskBytes);
  const tmpfs = (path: string) => ['--size', size, '--perms', '1777', '--tmpfs', path];
  return [
    ...ISOLATION,
    ...readOnlyRoot(host),
    ...(run.hideProc ? [] : ['--proc', '/proc']),
    '--dev',
    '/dev',
    ...tmpfs('/dev/shm'),
    '--remount-ro',
    '/dev',
    ...tmpfs('/tmp'),
    '--size',
    size,
    '--perms',
    '0755',
    '--tmpfs',
    WORK_FOLDER,
    ...toolchainFolders(host, run.toolchain),
    ...run.mounts.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...run.files.flatMap((path, index) => [
      '--file',
      String(FIRST_FILE_FD + index),
      `${WORK_FOLDER}/${path}`,
    ]),
    '--remount-ro',
    '/',
    ...environment(run.toolchain, run.env),
    '--chdir',
    WORK_FOLDER,
    '--info-fd',
    String(INFO_FD),
    ...(run.gated ? ['--block-fd', String(BLOCK_FD)] : []),
    ...(run.seccomp ? ['--seccomp', String(SECCOMP_FD)] : []),
    '--',
    ...rlimits(run.limits, !run.gated),
    ...GATE,
    ...run.argv,
  ];
}
