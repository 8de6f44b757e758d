import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

/** Any number: every migrating process asks for the same advisory lock, so that one migrates and the rest wait. */
const LOCK = 7_202_622_902;

export interface Migration {
  version: number;
  name: string;
  sql: string;
}

/** The numbered files of migrations/, in order. Forward only: a landed file never changes. */
export function readMigrations(folder = join(__dirname, 'migrations')): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => ({
      version: Number(name.slice(0, 4)),
      name,
      sql: readFileSync(join(folder, name), 'utf8'),
    }));
}

const digest = (sql: string) => createHash('sha256').update(sql).digest('hex');

/**
 * Brings the database at `url` to the newest version; safe to call from several processes at once.
 * Returns the names applied now. Throws when a landed file was changed or the database is newer than the code.
 */
export async function migrate(url: string, migrations = readMigrations()): Promise<string[]> {
  const client = new Client({ connectionString: url, application_name: 'acr-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(
      `create table if not exists acr_migrations
         (version int primary key, name text not null, digest text not null, at timestamptz not null default now())`,
    );
    return await applyMissing(client, migrations);
  } finally {
    await client.end();
  }
}

async function applyMissing(client: Client, migrations: Migration[]): Promise<string[]> {
  const { rows } = await client.query<{ version: number; name: string; digest: string }>(
    'select version, name, digest from acr_migrations order by version',
  );
  const done = new Map(rows.map((r) => [r.version, r]));
  const newest = migrations.at(-1)?.version ?? 0;
  const ahead = rows.find((r) => r.version > newest);
  if (ahead)
    throw new Error(
      `The database has migration ${ahead.name}, which this version of ACRouter does not know. Upgrade ACRouter.`,
    );
  const applied: string[] = [];
  for (const m of migrations) {
    const earlier = done.get(m.version);
    if (earlier && earlier.digest !== digest(m.sql))
      throw new Error(`Migration ${m.name} was changed after it had been applied; add a new file instead.`);
    if (!earlier) {
      await applyOne(client, m);
      applied.push(m.name);
    }
  }
  return applied;
}

/** Running services hold locks that a migration wants, and want those that it holds: Postgres then ends one of them. */
const DEADLOCK = '40P01';
const MAX_TRIES = 5;

async function applyOne(client: Client, m: Migration): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await applyOnce(client, m);
    } catch (cause) {
      if ((cause as { code?: string }).code === DEADLOCK && tries < MAX_TRIES) continue;
      throw new Error(`Migration ${m.name} failed: ${(cause as Error).message}`, { cause });
    }
}

async function applyOnce(client: Client, m: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(m.sql);
    await client.query('insert into acr_migrations (version, name, digest) values ($1, $2, $3)', [
      m.version,
      m.name,
      digest(m.sql),
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw cause;
  }
}
