import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError } from '@acrouter/domain/errors';
import { appendFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file that somebody asked for, and the folders above it: a fresh checkout has no `reports/`.
 * @param option by which another file can be named, such as `--junit`; `null`: by an argument
 * @throws AcrError ACR_INVALID_REQUEST, or ACR_DISK_FULL where there is no room
 */
export function writeOutputFile(option: string | null, file: string, text: string): void {
  orSay(option, file, () => {
    makeFolder(dirname(file));
    writeFileSync(file, text);
  });
}

/** Adds to a file that {@link writeOutputFile} began. @throws likewise */
export function appendOutputFile(option: string | null, file: string, text: string): void {
  orSay(option, file, () => appendFileSync(file, text));
}

function orSay(option: string | null, file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw unwritableFile(option, file, cause as NodeJS.ErrnoException);
  }
}

/** Why a file cannot be written, and what to do: ACR_DISK_FULL where there is no room, else ACR_INVALID_REQUEST. */
export function unwritableFile(option: string | null, file: string, cause: NodeJS.ErrnoException): AcrError {
  const { code, message } = cause;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AcrError('ACR_DISK_FULL', `There is no room on the disk for ${file}. Free some.`, { cause });
  const how = option === null ? '' : ` with ${option}`;
  return new AcrError(
    'ACR_INVALID_REQUEST',
    `${file} cannot be written (${code ?? message}). Name another file${how}.`,
    { cause },
  );
}
