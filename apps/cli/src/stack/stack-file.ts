import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError } from '@acrouter/domain/errors';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { cliEnv } from '../output';
import { ACR_COMMAND, runsProgram } from './processes';

const serviceSchema = z.object({
  name: z.string(),
  pid: z.number(),
  port: z.number(),
  /** Starts after a crash since `up`. */
  restarts: z.number(),
});

const stackSchema = z.object({
  /** The supervisor. */
  pid: z.number(),
  startedAt: z.string(),
  /** Base URL of the gateway. */
  url: z.string(),
  databaseUrl: z.string(),
  queueUrl: z.string(),
  /** Postmaster of the embedded Postgres; `null` with a database of the user's own. */
  postgresPid: z.number().nullable(),
  modelsFile: z.string().nullable(),
  services: z.array(serviceSchema),
});

/** What runs, as `up` writes it to `stack.json` of the data folder (mode 0600: it holds the database's password). */
export type StackFile = z.infer<typeof stackSchema>;
export type ServiceState = z.infer<typeof serviceSchema>;

/** Paths inside a data folder. */
export function pathsOf(dataDir: string) {
  return {
    stack: join(dataDir, 'stack.json'),
    lock: join(dataDir, 'up.pid'),
    /** Pids of the services, for the keeper of Postgres. */
    servicePids: join(dataDir, 'services.pids'),
    logs: join(dataDir, 'logs'),
    postgres: join(dataDir, 'postgres'),
    lastRun: join(dataDir, 'last-run'),
  };
}

/**
 * The data folder to use: the option, else ACR_DATA_DIR, else `.acr` here or in the nearest folder above that has
 * one, else `.acr` here. Absolute. A quickstart left running (`--keep`) is found when nothing else runs.
 */
export function findDataDir(option?: string): string {
  const given = option ?? cliEnv.dataDir;
  if (given) return resolve(given);
  for (let dir = process.cwd(); ; dir = dirname(dir)) {
    const found = join(dir, '.acr');
    const quickstart = join(found, 'quickstart');
    if (!readLiveStack(found) && readLiveStack(quickstart)) return quickstart;
    if (existsSync(found)) return found;
    if (dir === dirname(dir)) return resolve('.acr');
  }
}

/** The stack of a data folder as last written, whether or not it lives; `null` when there is none to read. */
export function readStack(dataDir: string): StackFile | null {
  const { stack } = pathsOf(dataDir);
  if (!existsSync(stack)) return null;
  try {
    return stackSchema.parse(JSON.parse(readFileSync(stack, 'utf8')));
  } catch {
    // Half-written by a full disk, or by another version: as good as none.
    return null;
  }
}

/** The stack of a data folder if its supervisor lives. */
export function readLiveStack(dataDir: string): StackFile | null {
  const stack = readStack(dataDir);
  return stack && runsProgram(stack.pid, ACR_COMMAND) ? stack : null;
}

/** @throws AcrError ACR_GATEWAY_UNREACHABLE saying how to start one */
export function requireStack(dataDir: string): StackFile {
  const stack = readLiveStack(dataDir);
  if (stack) return stack;
  throw new AcrError(
    'ACR_GATEWAY_UNREACHABLE',
    `No stack runs in ${dataDir}. Start one with "acr up --detach", or name another folder with --data-dir.`,
  );
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeStack(dataDir: string, stack: StackFile): void {
  const paths = pathsOf(dataDir);
  writeFileSync(`${paths.stack}.new`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${paths.stack}.new`, paths.stack);
  writeFileSync(paths.servicePids, stack.services.map((s) => s.pid).join(' '));
}

export function removeStack(dataDir: string): void {
  const paths = pathsOf(dataDir);
  for (const file of [paths.stack, paths.lock, paths.servicePids]) rmSync(file, { force: true });
}

/**
 * Makes the data folder ours until `removeStack`.
 * @throws AcrError ACR_CONFIG_INVALID when another `up` has it or it cannot be written
 */
export function lockDataDir(dataDir: string): void {
  const { lock, logs } = pathsOf(dataDir);
  try {
    makeFolder(logs);
    hideFromGit(dataDir);
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
    if (holder !== process.pid && runsProgram(holder, ACR_COMMAND)) throw taken(dataDir, holder);
    rmSync(lock, { force: true });
    // 'wx' fails when another `up` made the file in between.
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(dataDir, 0);
    throw unwritable(dataDir, cause as NodeJS.ErrnoException);
  }
}

/** The folder may lie in a repository, and holds passwords. */
function hideFromGit(dataDir: string): void {
  const file = join(dataDir, '.gitignore');
  if (!existsSync(file)) writeFileSync(file, '*\n');
}

function taken(dataDir: string, holder: number): AcrError {
  const who = holder ? ` (process ${holder})` : '';
  return new AcrError(
    'ACR_CONFIG_INVALID',
    `A stack already runs in ${dataDir}${who}. Use it ("acr status"), stop it ("acr down"), or choose another --data-dir.`,
  );
}

/** Why a folder cannot be written and what to do. */
export function unwritable(dir: string, cause: NodeJS.ErrnoException): AcrError {
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  const what = full
    ? `The disk that holds ${dir} is full`
    : `${dir} cannot be written (${cause.code ?? cause.message})`;
  const remedy = full
    ? 'Free some space, or choose another folder'
    : 'Change its owner, or choose another folder';
  return new AcrError('ACR_DISK_FULL', `${what}. ${remedy} with --data-dir.`, { cause });
}
