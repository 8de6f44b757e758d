import { AcrError } from '@acrouter/domain/errors';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { findBinaries, giveTo, placeFiles, postgresAccount, readOrMakePassword } from './postgres-files';
import type { Account, PostgresFiles } from './postgres-files';
import { alive, commandOf, gone, signal } from './process-id';

/** Longest a start may take, ms: crash recovery after a SIGKILL replays the log. */
const START_TIMEOUT_MS = 60_000;
/** Time a fast shutdown gets before an immediate one, ms. */
const STOP_TIMEOUT_MS = 15_000;
/** After a SIGKILL of Postgres its children need a moment to notice; a free port may be taken meanwhile. */
const MAX_TRIES = 20;
const RETRY_MS = 250;
/** Linux allows 107 bytes for the path of a socket; Postgres adds `/.s.PGSQL.65535.lock`. */
const MAX_SOCKET_DIR_BYTES = 80;

export interface StartPostgresOptions {
  /** Folder for the cluster, its password and its log; made when absent, reused when present. */
  dataDir: string;
  /** TCP port on 127.0.0.1. Default 0: any free one. */
  port?: number;
  /** `false` turns fsync off: for tests, where a power cut may lose everything. Default `true`. */
  durable?: boolean;
  /** Told in plain words what happens. Default: nobody. */
  log?: (line: string) => void;
}

export interface RunningPostgres {
  /** `postgres://postgres:…@127.0.0.1:port/postgres`, superuser. */
  url: string;
  port: number;
  pid: number;
  /** Whether another living process owns it; then `stop` leaves it running. */
  attached: boolean;
  /** Fast shutdown, immediate after 15 s. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded Postgres of `dataDir`, or attaches to it when it already runs there: one that lost its
 * owner (SIGKILL) is adopted, one whose owner lives is used and left alone by `stop`.
 * As root it runs under uid 65534. It is detached and logs to a file, so it outlives terminal and pipes.
 * @throws AcrError ACR_PORT_TAKEN, ACR_DATABASE_UNAVAILABLE; the message names cause and remedy.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const log = options.log ?? (() => undefined);
  const account = postgresAccount();
  const files = placeFiles(options.dataDir, account, log);
  const password = readOrMakePassword(files.passwordFile);
  const running = readPostmaster(files);
  const found = running && (await attach(files, running, password, log));
  if (found) return found;
  const native = findBinaries(account, log);
  if (!existsSync(join(files.pgdata, 'PG_VERSION'))) initialise(files, native, account, log);
  for (let tries = 1; ; tries++) {
    const port = options.port || (await freePort());
    try {
      return await launch(files, native, account, port, password, options.durable ?? true);
    } catch (error) {
      if (!(error instanceof AcrError) || tries === MAX_TRIES) throw error;
      const portRace = error.code === 'ACR_PORT_TAKEN' && !options.port;
      if (!portRace && error.fields.orphans !== true) throw error;
      await sleep(RETRY_MS);
    }
  }
}

const urlOf = (port: number, password: string) =>
  `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;

function initialise(files: PostgresFiles, native: string, account: Account, log: (l: string) => void): void {
  log('Creating the embedded Postgres (once, a few seconds)');
  rmSync(files.pgdata, { recursive: true, force: true });
  const partial = `${files.pgdata}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  giveTo(partial, account);
  const passwordCopy = `${files.passwordFile}.initdb`;
  writeFileSync(passwordCopy, readFileSync(files.passwordFile), { mode: 0o600 });
  giveTo(passwordCopy, account);
  const result = spawnSync(
    join(native, 'bin', 'initdb'),
    [`--pgdata=${partial}`, '--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordCopy}`].concat(
      ['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    ),
    { ...account, cwd: files.dir, env: cleanEnvironment(), encoding: 'utf8' },
  );
  rmSync(passwordCopy, { force: true });
  if (result.status !== 0) throw explain(`${result.stderr ?? ''}${result.error?.message ?? ''}`, files);
  // Renamed when complete, so that a kill halfway leaves nothing that looks like a cluster.
  renameSync(partial, files.pgdata);
}

/** Postgres needs nothing of our environment, and secrets have no business there. */
const cleanEnvironment = (): NodeJS.ProcessEnv => ({ LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' });

function settings(files: PostgresFiles, port: number, durable: boolean): string[] {
  const sockets = Buffer.byteLength(files.pgdata) <= MAX_SOCKET_DIR_BYTES ? files.pgdata : '';
  const values: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: sockets,
    max_connections: 200,
    shared_buffers: '128MB',
    max_wal_size: '512MB',
    jit: 'off',
    // The disks of today seek for nothing, and most pages are cached.
    random_page_cost: 1.1,
    log_min_messages: 'warning',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

async function launch(
  files: PostgresFiles,
  native: string,
  account: Account,
  port: number,
  password: string,
  durable: boolean,
): Promise<RunningPostgres> {
  writeFileSync(files.logFile, '');
  const out = openSync(files.logFile, 'a');
  const child = spawn(
    join(native, 'bin', 'postgres'),
    ['-D', files.pgdata, ...settings(files, port, durable)],
    {
      ...account,
      cwd: files.dir,
      env: cleanEnvironment(),
      detached: true,
      stdio: ['ignore', out, out],
    },
  );
  closeSync(out);
  child.on('error', () => undefined);
  await waitUntilReady(child, files, urlOf(port, password));
  child.unref();
  writeFileSync(files.ownerFile, String(process.pid));
  return handleOf(files, child.pid ?? 0, port, password);
}

async function waitUntilReady(child: ChildProcess, files: PostgresFiles, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      throw explain(readFileSync(files.logFile, 'utf8'), files);
    if (await answers(url)) return;
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw explain(readFileSync(files.logFile, 'utf8'), files);
    }
    await sleep(40);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** pid and port of the Postgres that runs on these files, or `null`; removes a stale pid file. */
function readPostmaster(files: PostgresFiles): { pid: number; port: number } | null {
  const file = join(files.pgdata, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number(lines[0]);
  if (pid > 0 && alive(pid) && commandOf(pid).includes('postgres')) return { pid, port: Number(lines[3]) };
  // The pid is gone or was given to another program, in which case Postgres itself would refuse to start.
  rmSync(file, { force: true });
  return null;
}

async function attach(
  files: PostgresFiles,
  running: { pid: number; port: number },
  password: string,
  log: (line: string) => void,
): Promise<RunningPostgres | null> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(urlOf(running.port, password)))) {
    // It was just dying: start anew.
    if (!alive(running.pid)) return null;
    if (Date.now() > deadline)
      throw new AcrError(
        'ACR_DATABASE_UNAVAILABLE',
        `A Postgres (pid ${running.pid}) runs on ${files.pgdata} but does not let us in. Stop it ("kill -INT ${running.pid}") and try again.`,
        { fields: { ...running } },
      );
    await sleep(100);
  }
  const owner = existsSync(files.ownerFile) ? Number(readFileSync(files.ownerFile, 'utf8')) : 0;
  const attached = owner > 0 && owner !== process.pid && alive(owner) && commandOf(owner).includes('node');
  if (attached) log(`Using the Postgres that process ${owner} started`);
  else if (owner !== process.pid) log('Taking over a Postgres whose owner is gone');
  if (!attached) writeFileSync(files.ownerFile, String(process.pid));
  const handle = handleOf(files, running.pid, running.port, password);
  return attached ? { ...handle, attached, stop: async () => undefined } : handle;
}

function handleOf(files: PostgresFiles, pid: number, port: number, password: string): RunningPostgres {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    signal(pid, 'SIGINT');
    if (!(await gone(pid, STOP_TIMEOUT_MS))) signal(pid, 'SIGQUIT');
    if (!(await gone(pid, 5_000))) signal(pid, 'SIGKILL');
    rmSync(files.ownerFile, { force: true });
  };
  return { url: urlOf(port, password), port, pid, attached: false, stop: () => (stopping ??= stop()) };
}

/** A TCP port that is free on 127.0.0.1 right now. */
export async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function explain(output: string, files: PostgresFiles): AcrError {
  const tail = output.trim().split('\n').slice(-4).join(' | ') || 'it said nothing';
  if (/address already in use|could not bind/i.test(output))
    return new AcrError(
      'ACR_PORT_TAKEN',
      `The Postgres port is in use; choose another port (or 0 for any). ${tail}`,
    );
  const remedy = /no space left/i.test(output)
    ? `The disk that holds ${files.dir} is full. Free some space, or choose another data folder.`
    : /permission denied/i.test(output)
      ? `Postgres may not use ${files.dir}. Change its owner, or choose another data folder.`
      : /incompatible|initialized by PostgreSQL version/i.test(output)
        ? `${files.dir} belongs to another version of Postgres. Move it away, or dump it with that version.`
        : `The embedded Postgres did not start. Its log is ${files.logFile}.`;
  const orphans = /shared memory block .* is still in use/i.test(output);
  return new AcrError('ACR_DATABASE_UNAVAILABLE', `${remedy} (${tail})`, {
    fields: { dir: files.dir, orphans },
  });
}
