import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Pool, types, type ClientBase, type PoolConfig } from 'pg';
import { PreparingClient } from './preparing-client';
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
  /**
   * Statements find their rows by index even in a table that is a page long: services that do the same all day keep
   * their plans while their tables grow. Default `false`: the planner may scan, as reports want it.
   */
  byKey?: boolean;
  /** Shown in pg_stat_activity, e.g. `acr-orchestrator`. */
  applicationName?: string;
  /** Told of errors of idle connections (a restarted Postgres); the pool replaces them by itself. */
  onIdleError?: (error: Error) => void;
}

/**
 * The pool awaits what it returns, whatever its type says. Without just-in-time compilation: before version 18, Postgres
 * prices a scan that cannot be avoided so high that it would compile it.
 */
const findByKey = (client: ClientBase): void =>
  client.query('set enable_seqscan = off; set jit = off') as unknown as undefined;

/**
 * Opens a pool. numeric and int8 are read as numbers: money keeps 12 decimals and counters stay
 * below 2^53, so nothing is lost. Close with `db.destroy()`.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const config: PoolConfig = {
    Client: PreparingClient,
    connectionString: options.url,
    max: options.poolSize ?? 8,
    application_name: options.applicationName ?? 'acrouter',
    connectionTimeoutMillis: 10_000,
    ...(options.byKey ? { onConnect: findByKey } : {}),
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
