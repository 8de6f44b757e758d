import { readdirSync, readFileSync } from 'node:fs';
import type { CpuTimes } from './load-figures';

/** A kernel tick in ms: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/**
 * Processor time of processes so far, summed by role, from /proc; a process's children count as its own
 * (Postgres is one process per connection). Empty where there is no /proc.
 */
export function readCpuTimes(processes: readonly { role: string; pid: number }[]): CpuTimes {
  const all = readProcesses();
  const times: Record<string, number> = {};
  for (const { role, pid } of processes) {
    const family = [...all.values()].filter((p) => p.pid === pid || p.parent === pid);
    // Times of children that have ended and were waited for are in the parent's own record.
    for (const p of family) times[role] = (times[role] ?? 0) + p.cpuMs;
  }
  return times;
}

interface ProcessRecord {
  pid: number;
  parent: number;
  cpuMs: number;
}

function readProcesses(): Map<number, ProcessRecord> {
  const found = new Map<number, ProcessRecord>();
  for (const name of list('/proc').filter((n) => /^\d+$/.test(n))) {
    const fields = statFields(name);
    if (!fields) continue;
    // After the command: state ppid … utime(11) stime(12) cutime(13) cstime(14), man 5 proc.
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    found.set(Number(name), { pid: Number(name), parent: Number(fields[1]), cpuMs: ticks * TICK_MS });
  }
  return found;
}

function statFields(pid: string): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
