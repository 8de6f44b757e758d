import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';

/** One line of a JSONL file, counted from 1. */
export interface JsonLine {
  number: number;
  value: Record<string, unknown>;
}

/**
 * The whole text of a file that a user named.
 * @throws AcrError ACR_CONFIG_INVALID when there is none, it is no file, or it cannot be read
 */
export function readText(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new AcrError('ACR_CONFIG_INVALID', `${file} is not there.`);
  // A pipe would be read once, and every worker reads the rows anew.
  if (!stat.isFile()) {
    const what = stat.isDirectory() ? 'a folder' : 'no regular file';
    throw new AcrError('ACR_CONFIG_INVALID', `${file} is ${what}. Give a file.`);
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AcrError('ACR_CONFIG_INVALID', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Lines of a JSONL file, empty ones left out. @throws AcrError ACR_CONFIG_INVALID naming the line that is broken. */
export function readNumberedLines(file: string): JsonLine[] {
  return readText(file)
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const value = objectOf(line);
      if (value === null)
        throw new AcrError('ACR_CONFIG_INVALID', `${basename(file)}:${i + 1} is not a JSON object.`);
      return [{ number: i + 1, value }];
    });
}

function objectOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The same without the numbers of the lines. */
export function readJsonLines(file: string): Record<string, unknown>[] {
  return readNumberedLines(file).map((line) => line.value);
}
