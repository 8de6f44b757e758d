import { AcrError } from '@acrouter/domain/errors';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { z } from 'zod';
import { writeOutputFile } from '../output-file';

const stateSchema = z.object({
  run: z.string(),
  /** The task file as it was named, for lines in reports. */
  file: z.string().nullable(),
});

/** What `acr ci submit` leaves for the steps after it. */
export type CiState = z.infer<typeof stateSchema>;

export const DEFAULT_STATE_FILE = '.acr-ci.json';

export function writeCiState(file: string, state: CiState): void {
  writeOutputFile('--state', file, `${JSON.stringify(state)}\n`);
}

/** Removes the state of an earlier submit, if there is one. */
export function forgetCiState(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) unlinkSync(file);
}

/** @throws AcrError ACR_NOT_FOUND that says how to name the run */
export function readCiState(file: string): CiState {
  try {
    if (existsSync(file)) return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Not ours, or half-written: the same as none.
  }
  throw new AcrError(
    'ACR_NOT_FOUND',
    `${file} names no run. Run "acr ci submit" in this folder first, or name the run.`,
  );
}

/** What makes work of a pipeline the same work. */
export interface CiJob {
  repository: string;
  commit: string;
  job: string;
}

/** The idempotency key of a job: the same for every run of it on one commit. */
export function ciKey({ repository, commit, job }: CiJob): string {
  return `ci-${createHash('sha256').update([repository, commit, job].join('\0')).digest('hex').slice(0, 40)}`;
}
