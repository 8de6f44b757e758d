import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Pool, types, type PoolConfig } from 'pg';
import type { Tables } from './tables';

export type Database = Kysely<Tables>;
/** A database or an open transaction: what a store's functions take, so that callers decide what is atomic. */
export type Executor = Kysely<Tables> | Transaction<Tables>;

const INT8 = 20;
const NUMERIC = 1700;

export interface DatabaseOptions {
  /** postgres://user:password@host:port/database */
  url: string;
  /** Connections of this process, default 8. */
  poolSize?: number;
  /** Shown in pg_stat_activity, e.g. `acr-orchestrator`. */
  applicationName?: string;
  /** Told of errors of idle connections (a restarted Postgres); the pool replaces them by itself. */
  onIdleError?: (error: Error) => void;
}

/**
 * Opens a pool. numeric and int8 are read as numbers: money keeps 12 decimals and counters stay
 * below 2^53, so nothing is lost. Close with `db.destroy()`.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const config: PoolConfig = {
    connectionString: options.url,
    max: options.poolSize ?? 8,
    application_name: options.applicationName ?? 'acrouter',
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: (oid, format) =>
        oid === INT8 || oid === NUMERIC
          ? Number
          : (types.getTypeParser(oid, format) as (v: string) => unknown),
    },
  };
  const pool = new Pool(config);
  pool.on('error', (error) => options.onIdleError?.(error));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Escapes that Postgres refuses inside jsonb: NUL and lone surrogates, each behind an even run of backslashes. */
const REFUSED_ESCAPE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON text for a jsonb column; characters that Postgres refuses become U+FFFD. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(REFUSED_ESCAPE, '$1\\ufffd');
}

/** Text for a text column; characters that Postgres refuses become U+FFFD. */
export function text(value: string): string {
  return value.replaceAll('\0', '\ufffd').toWellFormed();
}
