import { AcrError } from '@acrouter/domain/errors';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './journal';

/**
 * Keeps a second process away from the journal in `folder`. Returns what lets go of it; a process that dies lets go
 * by itself.
 * @throws AcrError ACR_CONFLICT when another one is at work
 */
export function lock(folder: string): () => void {
  const file = join(folder, 'pid');
  const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (owner > 0 && owner !== process.pid && isAlive(owner))
    throw new AcrError(
      'ACR_CONFLICT',
      `Process ${owner} is working on this refactor. Wait for it, or stop it.`,
    );
  writeAtomically(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !hasEnded(pid);
}

/**
 * Whether the process has ended but nobody has asked for its exit code yet: signals still reach such a zombie, and in
 * a container whose first process reaps nobody it stays for ever. Source: proc_pid_stat(5), state Z or X after the
 * name, which stands in brackets and may hold brackets itself. `false` where there is no /proc.
 */
function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^ [ZXx]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}
