import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from './postgres';
import { removePostgresData } from './postgres-files';
import type { RunningPostgres } from './postgres';

jest.setTimeout(60_000);

let dir: string;
let started: RunningPostgres[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'acr-pg-'));
  started = [];
});

afterEach(async () => {
  for (const postgres of started) await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<RunningPostgres> {
  const postgres = await startPostgres({ dataDir: dir, durable: false, ...options });
  started.push(postgres);
  return postgres;
}

async function ask<T>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows as T[];
  } finally {
    await client.end();
  }
}

/** A child that started the Postgres of `dir`. */
async function startInChild() {
  const hook = join(__dirname, '../../testing/src/run-typescript.cjs');
  const child = spawn(process.execPath, ['-r', hook, join(__dirname, 'testing-child.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, pid: Number(/pid (\d+)/.exec(String(line))?.[1]) };
}

test('keeps its data over a restart, its password to itself, and listens on 127.0.0.1 only', async () => {
  const first = await start();
  await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS x');
  expect(await ask(first.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect(statSync(join(dir, 'password')).mode & 0o777).toBe(0o600);
  const guess = new URL(first.url);
  guess.password = 'password';
  await expect(ask(guess.toString(), 'SELECT 1')).rejects.toThrow(/authentication failed/);
  await first.stop();
  await first.stop();
  const second = await start();
  expect(await ask(second.url, 'SELECT x FROM kept')).toEqual([{ x: 7 }]);
});

test('a start while another process owns it attaches, and stop leaves it alone', async () => {
  const { child, pid } = await startInChild();
  try {
    const postgres = await start();
    expect(postgres).toMatchObject({ attached: true, pid });
    await postgres.stop();
    expect(await ask(postgres.url, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await start();
  }
});

test('one whose owner was killed is adopted and can be stopped', async () => {
  const { child, pid } = await startInChild();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const postgres = await start();
  expect(postgres).toMatchObject({ attached: false, pid });
  await postgres.stop();
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test('one that was itself killed recovers', async () => {
  const first = await start({ durable: true });
  await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS x');
  process.kill(first.pid, 'SIGKILL');
  const second = await start();
  expect(second.pid).not.toBe(first.pid);
  expect(await ask(second.url, 'SELECT x FROM kept')).toEqual([{ x: 7 }]);
});

test('a pid file that names a stranger is stale', async () => {
  const first = await start();
  const file = join(dir, 'pgdata', 'postmaster.pid');
  const text = readFileSync(file, 'utf8');
  await first.stop();
  writeFileSync(file, text.replace(/^\d+/, String(process.pid)));
  const second = await start();
  expect(await ask(second.url, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
});

test('a taken port and an unusable folder are named with their remedy', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(start({ port })).rejects.toMatchObject({
    code: 'ACR_PORT_TAKEN',
    message: expect.stringMatching(/choose another port/),
  });
  server.close();
  writeFileSync(join(dir, 'a-file'), '');
  await expect(start({ dataDir: join(dir, 'a-file', 'pg') })).rejects.toMatchObject({
    code: 'ACR_DISK_FULL',
    message: expect.stringMatching(/cannot be written.*Choose another one/),
  });
});

test('below a private folder, root’s Postgres gets a place it can reach', async () => {
  const home = join(dir, 'home');
  mkdirSync(home);
  chmodSync(home, 0o700);
  const dataDir = join(home, 'clone', 'pg');
  const postgres = await start({ dataDir });
  expect(await ask(postgres.url, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
  const location = join(dataDir, 'LOCATION');
  expect(existsSync(location)).toBe(process.getuid?.() === 0);
  await postgres.stop();
  const place = existsSync(location) ? readFileSync(location, 'utf8').trim() : dataDir;
  removePostgresData(dataDir);
  expect([existsSync(place), existsSync(dataDir)]).toEqual([false, false]);
});
