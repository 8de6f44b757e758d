import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';

/** Says which run a folder holds. */
const MARK = 'run.json';
/** Files of a run; where they lie without a mark, they are of an unknown one. */
const OF_A_RUN = ['streams.jsonl', 'table.csv', 'rows.json'];

/**
 * Makes a folder and those above it. Step by step: `mkdirSync` with `recursive` never returns where the system
 * denies that a folder exists which it also refuses to make, as in /proc.
 * @throws AcrError ACR_INVALID_REQUEST where no folder can be
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  let at = resolve(folder);
  while (!existsSync(at) && at !== dirname(at)) {
    missing.unshift(at);
    at = dirname(at);
  }
  try {
    if (!statSync(at).isDirectory())
      throw new AcrError('ACR_INVALID_REQUEST', `${at} is a file. Name another folder.`);
    for (const path of missing) mkdirSync(path);
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? '';
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
  makeFolder(folder);
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
