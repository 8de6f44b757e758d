import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { createTestDatabase, queueBackends } from './databases';

test('gives each caller a database of its own and takes it away again', async () => {
  const [a, b] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new Client({ connectionString: a.url });
  await client.connect();
  await client.query('CREATE TABLE only_here (x int)');
  await client.end();
  const other = new Client({ connectionString: b.url });
  await other.connect();
  const { rows } = await other.query("SELECT to_regclass('only_here') AS found");
  await other.end();
  expect(rows).toEqual([{ found: null }]);
  await a.drop();
  await b.drop();
  const gone = new Client({ connectionString: a.url });
  await expect(gone.connect()).rejects.toThrow(/does not exist/);
});

test('a connection left open is reported', async () => {
  const database = await createTestDatabase({ migrate: false });
  const leak = new Client({ connectionString: database.url });
  leak.on('error', () => undefined);
  await leak.connect();
  await expect(database.drop()).rejects.toThrow(/1 Postgres connection/);
  await leak.end().catch(() => undefined);
});

test('lists the queue back ends, Postgres always among them', () => {
  expect(queueBackends().map((backend) => backend.name)).toContain('postgres');
});
