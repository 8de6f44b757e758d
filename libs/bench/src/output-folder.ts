import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError } from '@acrouter/domain/errors';

/** Says which run a folder holds. */
const MARK = 'run.json';
/** Files of a run; where they lie without a mark, they are of an unknown one. */
const OF_A_RUN = ['streams.jsonl', 'table.csv', 'rows.json'];

/** Makes a folder and those above it. @throws AcrError ACR_INVALID_REQUEST where no folder can be */
function makeOutputFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    const { code, path } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOTDIR' ? `${path} is a file` : code;
    throw new AcrError('ACR_INVALID_REQUEST', `${folder} cannot be made a folder (${why}). Name another.`, {
      cause,
    });
  }
}

/**
 * Makes `folder` the place of one run's files, or finds that it already is.
 * @param run what the run is, as plain data; equal data is the same run
 * @throws AcrError ACR_INVALID_REQUEST when it holds another run, or cannot be made
 */
export function claimFolder(folder: string, run: object): void {
  makeOutputFolder(folder);
  const mark = join(folder, MARK);
  const text = `${JSON.stringify(run)}\n`;
  const held = existsSync(mark) ? readFileSync(mark, 'utf8') : null;
  if (held === text) return;
  const inside = readdirSync(folder);
  const stranger = held !== null || OF_A_RUN.some((name) => inside.includes(name));
  if (stranger)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${folder} holds another run${held === null ? '' : ` (${differenceOf(held, run)})`}. Name another folder, or delete that one.`,
    );
  writeFileSync(mark, text);
}

/** The first settings in which two runs differ, in words. */
function differenceOf(held: string, run: object): string {
  let other: Record<string, unknown>;
  try {
    other = JSON.parse(held) as Record<string, unknown>;
  } catch {
    return `its ${MARK} cannot be read`;
  }
  const own = run as Record<string, unknown>;
  const show = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));
  const differing = [...new Set([...Object.keys(other), ...Object.keys(own)])].filter(
    (key) => JSON.stringify(other[key]) !== JSON.stringify(own[key]),
  );
  return differing.map((key) => `${key} ${show(other[key])}, now ${show(own[key])}`).join('; ');
}
