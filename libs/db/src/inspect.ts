import { Client } from 'pg';
import { readMigrations } from './migrate';

/** What `acr doctor` wants to know of a Postgres. */
export interface DatabaseFacts {
  /** e.g. `18.4` */
  version: string;
  /** Names of migrations that it lacks; all of them when it is empty. */
  missing: string[];
  /** Whether a newer ACRouter has migrated it. */
  tooNew: boolean;
}

/** Looks at the database of `url` without changing it. Throws the driver's error when it cannot be reached. */
export async function inspectDatabase(url: string, timeoutMs = 5_000): Promise<DatabaseFacts> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; migrated: string | null }>(
      "select current_setting('server_version') as version, to_regclass('acr_migrations')::text as migrated",
    );
    const done = rows[0]?.migrated
      ? (await client.query<{ version: number }>('select version from acr_migrations')).rows
      : [];
    const versions = new Set(done.map((row) => row.version));
    const known = readMigrations();
    return {
      version: rows[0]?.version ?? '',
      missing: known.filter((m) => !versions.has(m.version)).map((m) => m.name),
      tooNew: done.some((row) => row.version > (known.at(-1)?.version ?? 0)),
    };
  } finally {
    await client.end().catch(() => undefined);
  }
}
