import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A dead child that nobody has collected (a container whose first process does not) still takes signals. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';
  } catch {
    return false;
  }
}

/** The command line of a process, `''` when it cannot be read. */
export function commandOf(pid: number): string {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  }
  return spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

/** Whether `pid` lives and its command line matches: pids are reused, so a pid alone proves nothing. */
export function runsProgram(pid: number, pattern: RegExp): boolean {
  return isAlive(pid) && pattern.test(commandOf(pid));
}

/** The `acr` command itself, however it was called. */
export const ACR_COMMAND = /[\\/]acr(\.mjs)?(\s|$)/;

/** Sends a signal to a process that may be gone already. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone, which is what every caller wants in the end.
  }
}

/** Waits until a process is gone. @returns whether it is */
export async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; isAlive(pid); await sleep(25))
    if (Date.now() > deadline) return false;
  return true;
}

/** Who listens on a TCP port, e.g. `python3 -m http.server (pid 12)`; `null` when it cannot be found out. */
export function portOwner(port: number): string | null {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return null;
  for (const pid of readdirOrNothing('/proc').filter((name) => /^\d+$/.test(name)))
    for (const fd of readdirOrNothing(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkOrNothing(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode && inodes.has(inode)) return `${shortened(commandOf(Number(pid)))} (pid ${pid})`;
    }
  return null;
}

/** A long command line keeps its program and its end, where the script and its arguments are. */
const shortened = (command: string): string =>
  command.length <= 70 ? command : `${basename(command.split(' ')[0] ?? '')} … ${command.slice(-50)}`;

/** Socket inodes listening on a port, from /proc/net (columns: sl local rem st … inode; state 0A = LISTEN). */
function listeners(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  let text = '';
  try {
    text = readFileSync(`/proc/net/${table}`, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(`:${hexPort}`) && cells[3] === '0A')
    .flatMap((cells) => cells[9] ?? []);
}

function readdirOrNothing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readlinkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
