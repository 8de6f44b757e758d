import { AcrError } from '@acrouter/domain/errors';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file that a pipeline asked for, and the folders above it: a fresh checkout has no `reports/`.
 * @param option by which another file can be named, such as `--junit`
 * @throws AcrError ACR_INVALID_REQUEST, or ACR_DISK_FULL where there is no room
 */
export function writeReportFile(option: string, file: string, text: string): void {
  orSay(option, file, () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  });
}

/** Adds to a file that {@link writeReportFile} began. @throws likewise */
export function appendReportFile(option: string, file: string, text: string): void {
  orSay(option, file, () => appendFileSync(file, text));
}

function orSay(option: string, file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new AcrError('ACR_DISK_FULL', `There is no room on the disk for ${file}. Free some.`, { cause });
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${file} cannot be written (${code ?? message}). Name another file with ${option}.`,
      { cause },
    );
  }
}
