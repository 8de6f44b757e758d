import { execFileSync } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** Folders that only an administrator can write to; looked into before PATH. */
const SYSTEM_FOLDERS = ['/usr/bin', '/usr/local/bin', '/bin', '/usr/sbin', '/run/current-system/sw/bin'];

const executable = (path: string) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/**
 * Whether nobody but root and this user can put something else in the place of `path`: neither the file nor any
 * folder above it belongs to, or may be written by, somebody else.
 */
export function isTrusted(path: string, ownUid = process.getuid?.() ?? 0): boolean {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { uid, mode } = statSync(at);
    const sticky = (mode & 0o1000) !== 0;
    if ((uid !== 0 && uid !== ownUid) || ((mode & 0o022) !== 0 && !sticky)) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * Absolute path of a program of the host that the sandbox itself relies on: from the system's folders, else along
 * PATH (which the shell inherits) where it lies in a place that others cannot write to. `null` when there is none.
 */
export function findHostTool(name: string): string | null {
  const known = SYSTEM_FOLDERS.map((folder) => join(folder, name)).find(executable);
  if (known) return known;
  try {
    const found = execFileSync('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5_000,
    }).trim();
    return isAbsolute(found) && executable(found) && isTrusted(found) ? realpathSync(found) : null;
  } catch {
    return null;
  }
}
