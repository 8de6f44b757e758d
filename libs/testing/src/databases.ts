import { migrate } from '@acrouter/db/migrate';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const TEMPLATE = 'acr_template';

export interface TestDatabase {
  url: string;
  /**
   * Drops the database.
   * @throws Error when a connection to it is still open after 3 s: a test leaked a pool or a worker.
   */
  drop(): Promise<void>;
}

function serverUrl(): string {
  const url = process.env.ACR_TEST_POSTGRES_URL;
  if (!url) throw new Error('No test Postgres: run this test in the jest project "integration".');
  return url;
}

async function withServer<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const urlOf = (database: string) => {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.toString();
};

/** Makes the migrated template that `createTestDatabase` copies. Called once, by global-setup. */
export async function prepareTemplate(): Promise<void> {
  await withServer((client) => client.query(`CREATE DATABASE ${TEMPLATE}`));
  await migrate(urlOf(TEMPLATE));
}

/**
 * A fresh database for one test file.
 * @param options.migrate with the product's tables. Default `true`.
 */
export async function createTestDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const template = (options.migrate ?? true) ? TEMPLATE : 'template0';
  await withServer(async (client) => {
    // CREATE DATABASE … TEMPLATE refuses while another copy is being made from the same template.
    await client.query('SELECT pg_advisory_lock(7001)');
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  return { url: urlOf(name), drop: () => dropDatabase(name) };
}

async function dropDatabase(name: string): Promise<void> {
  await withServer(async (client) => {
    const open = await connectionsAfter(client, name, 3_000);
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    if (open.length > 0)
      throw new Error(`A test left ${open.length} Postgres connection(s) open: ${open.join('; ')}`);
  });
}

async function connectionsAfter(client: Client, name: string, patienceMs: number): Promise<string[]> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(50)) {
    const { rows } = await client.query<{ what: string }>(
      `SELECT application_name || ' ' || left(query, 60) AS what FROM pg_stat_activity WHERE datname = $1`,
      [name],
    );
    if (rows.length === 0 || Date.now() > deadline) return rows.map((row) => row.what);
  }
}

/** A place for queues of one test file. */
export interface TestQueue {
  /** For `openQueueConnection`. */
  url: string;
  /** Removes it; throws when a connection was left open, as `TestDatabase.drop`. */
  drop(): Promise<void>;
}

export interface QueueBackend {
  name: 'postgres' | 'redis';
  open(): Promise<TestQueue>;
}

/** The back ends to run queue tests on, for `describe.each`; Redis only where there is one. */
export function queueBackends(): QueueBackend[] {
  const postgres: QueueBackend = { name: 'postgres', open: () => createTestDatabase({ migrate: false }) };
  const redisUrl = process.env.ACR_TEST_REDIS_URL;
  return redisUrl ? [postgres, { name: 'redis', open: () => openRedisDatabase(redisUrl) }] : [postgres];
}

/** One of Redis' numbered databases, emptied. FLUSHALL would hit other test files: use FLUSHDB, or redis.ts. */
async function openRedisDatabase(serverRedisUrl: string): Promise<TestQueue> {
  const counter = new Redis(serverRedisUrl);
  const index = 1 + ((await counter.incr('acr-test-databases')) % 255);
  await counter.quit();
  const url = `${serverRedisUrl}/${index}`;
  const own = new Redis(url);
  await own.flushdb();
  await own.quit();
  return { url, drop: () => dropRedisDatabase(url, index) };
}

async function dropRedisDatabase(url: string, index: number): Promise<void> {
  const client = new Redis(url);
  const ownId = String(await client.client('ID'));
  let open: string[] = [];
  for (const deadline = Date.now() + 3_000; ; await sleep(50)) {
    const list = String(await client.client('LIST'))
      .trim()
      .split('\n');
    open = list.filter((line) => line.includes(` db=${index} `) && !line.startsWith(`id=${ownId} `));
    if (open.length === 0 || Date.now() > deadline) break;
  }
  await client.flushdb();
  await client.quit();
  if (open.length > 0)
    throw new Error(`A test left ${open.length} Redis connection(s) open: ${open.join('; ')}`);
}
