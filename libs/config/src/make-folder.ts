import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it; nothing where it is there already. Step by step: `mkdirSync` with `recursive`
 * never returns where the system denies that a folder exists which it also refuses to make, as in /proc.
 * @param mode of the folders that are made; default what the process's umask leaves
 * @throws the system's error (`code` ENOTDIR, EACCES, ENOENT, ENOSPC …) where no folder can be
 */
export function makeFolder(folder: string, mode?: number): void {
  const missing: string[] = [];
  let at = resolve(folder);
  for (; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  if (!statSync(at).isDirectory())
    throw Object.assign(new Error(`${at} is a file, not a folder`), { code: 'ENOTDIR', path: at });
  for (const path of missing) makeOne(path, mode);
}

/** Somebody else may make it at the same moment. */
function makeOne(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
