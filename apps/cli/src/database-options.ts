import { rawEnv } from '@acrouter/config/env';
import { openDatabase, type Database } from '@acrouter/db/client';
import { AcrError } from '@acrouter/domain/errors';
import type { Command } from 'commander';
import { findDataDir, requireStack } from './stack/stack-file';

/** Options of commands that work on Postgres itself. */
export interface DatabaseChoice {
  databaseUrl?: string;
  dataDir?: string;
}

export function withDatabaseOptions(command: Command): Command {
  return command
    .option('--database-url <url>', 'the Postgres (default: ACR_DATABASE_URL, else the stack running here)')
    .option('--data-dir <dir>', 'data folder of the stack (default: .acr)');
}

/** No connection; and Postgres's own classes: connection, login, no such database or table, resources, shut down. */
const DATABASE_FAULT = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|08...$|28...$|3D000$|42P01$|53...$|57P..$)/;

/** @throws AcrError ACR_CONFIG_INVALID for a URL of something else, which would fail as a name that is not found */
export function requirePostgresUrl(url: string): void {
  if (/^postgres(ql)?:\/\//.test(url)) return;
  throw new AcrError(
    'ACR_CONFIG_INVALID',
    'The URL of the database (--database-url, ACR_DATABASE_URL) must start with postgres://.',
  );
}

/** Opens the chosen Postgres for the time of `work`. @throws AcrError ACR_DATABASE_UNAVAILABLE, ACR_GATEWAY_UNREACHABLE, ACR_CONFIG_INVALID */
export async function withDatabase<T>(
  options: DatabaseChoice,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const given = options.databaseUrl ?? rawEnv().ACR_DATABASE_URL;
  const url = given || requireStack(findDataDir(options.dataDir)).databaseUrl;
  requirePostgresUrl(url);
  const db = openDatabase({ url, poolSize: 2, applicationName: 'acr-cli' });
  try {
    return await work(db);
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    if (!DATABASE_FAULT.test(code ?? '')) throw cause;
    const why = code === '42P01' ? 'its tables are missing; run "acr migrate" first' : message || code;
    throw new AcrError('ACR_DATABASE_UNAVAILABLE', `The database cannot be used: ${why}`, { cause });
  } finally {
    await db.destroy();
  }
}
