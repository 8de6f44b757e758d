import { startPostgres } from '@acrouter/embedded/postgres';
import { createTestDatabase, queueBackends } from '@acrouter/testing/databases';
import type { TestDatabase, TestQueue } from '@acrouter/testing/databases';
import { startRedis } from '@acrouter/testing/redis';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { BullmqServerOptions } from './bullmq-server';
import { Cancellations } from './cancellations';
import { openQueueConnection } from './connection';
import type { QueueConnection } from './connection';
import type { JobContext } from './handles';
import { QueuePublisher } from './publisher';
import { queueCounts } from './queue-counts';
import { controllerFor, startTestApp, until } from './testing-app';
import type { TestHandler } from './testing-app';

jest.setTimeout(90_000);

const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** Stops what a test started, last first. */
let closers: (() => unknown)[] = [];
beforeEach(() => {
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function open(url: string): Promise<QueueConnection> {
  const connection = await openQueueConnection(url, { poolSize: 4 });
  closers.push(() => connection.close());
  return connection;
}

async function serve(
  connection: QueueConnection,
  verify: TestHandler,
  options: Partial<BullmqServerOptions> = {},
) {
  const all = { connection, service: 'verifier' as const, shutdownGraceMs: 2_000, ...options };
  const started = await startTestApp(
    { observer: { onError: () => undefined }, ...all },
    controllerFor({ verify }),
  );
  closers.push(() => started.app.close());
  return started;
}

const idle = async (connection: QueueConnection) =>
  (await queueCounts(connection)).every((count) => count.count === 0);

describe.each(queueBackends())('resilience on $name', (backend) => {
  let place: TestQueue;
  let connection: QueueConnection;
  let publisher: QueuePublisher;

  beforeEach(async () => {
    place = await backend.open();
    closers.push(() => place.drop());
    connection = await open(place.url);
    publisher = new QueuePublisher(connection);
  });

  test('cancelling a task stops its handler in whichever process it runs, without a retry', async () => {
    const database: TestDatabase = await createTestDatabase({ migrate: false });
    closers.splice(0, 0, () => database.drop());
    const seen: string[] = [];
    const outcomes: string[] = [];
    const handler: TestHandler = async ({ taskId }: { taskId: string }, { signal }: JobContext) => {
      seen.push(taskId);
      await never(signal);
    };
    for (const server of ['a', 'b']) {
      const cancellations = new Cancellations({ databaseUrl: database.url });
      closers.push(() => cancellations.close());
      const observer = {
        onCompleted: (facts: { jobId: string; outcome: string }) =>
          outcomes.push(`${facts.jobId} ${facts.outcome} ${server}`),
      };
      const own = await open(place.url);
      await serve(own, handler, { concurrency: { verify: 1 }, cancellations, observer });
    }
    await publisher.publish('verify', { taskId: 'x', attempt: 1 }, { jobId: 'x' });
    await publisher.publish('verify', { taskId: 'y', attempt: 1 }, { jobId: 'y' });
    await until(() => seen.length === 2, 'both handlers to run');
    const other = new Cancellations({ databaseUrl: database.url });
    await other.cancelTask('x');
    await until(() => outcomes.length, 'the cancelled handler to end');
    expect(outcomes[0]).toMatch(/^x cancelled/);
    await other.cancelTask('y');
    await until(() => outcomes.length === 2, 'the other one');
    expect(new Set(outcomes.map((line) => line.at(-1)))).toEqual(new Set(['a', 'b']));
    await until(() => idle(connection), 'nothing to be left');
    expect(seen).toHaveLength(2);
  });

  test('close waits for a handler that ends in time', async () => {
    let finished = false;
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((done) => (entered = done));
    const { server } = await serve(connection, async () => {
      entered();
      await new Promise((done) => setTimeout(done, 200));
      finished = true;
    });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    await inside;
    await Promise.all([server.close(), server.close()]);
    expect(finished).toBe(true);
    expect(await idle(connection)).toBe(true);
  });

  test.each([
    ['listens to its signal', true],
    ['ignores its signal', false],
  ])('close hands back a message whose handler %s', async (_name, listens) => {
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((done) => (entered = done));
    const { server } = await serve(connection, async (_message, { signal }) => {
      entered();
      await (listens ? never(signal) : new Promise(() => undefined));
    });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    await inside;
    await server.close({ graceMs: 50 });
    const waiting = (await queueCounts(connection)).filter((count) => count.count > 0);
    expect(waiting.map(({ queue, state, count }) => [queue, state, count])).toEqual([
      ['verify', 'waiting', 1],
    ]);
    const contexts: JobContext[] = [];
    await serve(await open(place.url), async (_message, context) => void contexts.push(context));
    await until(() => contexts.length, 'another worker to take it');
    expect(contexts[0]).toMatchObject({ failures: 0, delivery: 2 });
  });

  test('a message whose worker was killed is done by another within 25 s', async () => {
    const child = spawn(
      process.execPath,
      [
        '-r',
        join(__dirname, '../../testing/src/run-typescript.cjs'),
        join(__dirname, 'testing-child.ts'),
        place.url,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    closers.push(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    await until(() => output.includes('ready'), 'the child to start', 30_000);
    await publisher.publish('verify', { taskId: 'redo', attempt: 1 });
    await until(() => output.includes('got redo'), 'the child to take the message');
    child.kill('SIGKILL');
    await exited;
    const got: JobContext[] = [];
    await serve(connection, async (_message, context) => void got.push(context));
    await until(() => got.length, 'the message to come again', 25_000);
    expect(got[0]).toMatchObject({ failures: 0, delivery: 2 });
    await until(() => idle(connection), 'nothing to be left');
  });

  test('the queue emptied under a running handler wedges nothing', async () => {
    const done: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((go) => (release = go));
    await serve(connection, async ({ taskId }: { taskId: string }) => {
      if (taskId === 'first') await gate;
      done.push(taskId);
    });
    await publisher.publish('verify', { taskId: 'first', attempt: 1 }, { jobId: 'first' });
    await until(
      async () => (await queueCounts(connection)).some((c) => c.state === 'active' && c.count),
      'a start',
    );
    await empty(place.url);
    release();
    await until(() => done.includes('first'), 'the handler to end');
    for (const taskId of ['second', 'first'])
      await publisher.publish('verify', { taskId, attempt: 1 }, { jobId: taskId });
    await until(() => done.length === 3, 'later messages');
    await until(() => idle(connection), 'nothing to be left');
  });
});

/** FLUSHDB, or the same for Postgres. */
async function empty(url: string): Promise<void> {
  if (url.startsWith('redis')) {
    const redis = new Redis(url);
    await redis.flushdb();
    await redis.quit();
    return;
  }
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('TRUNCATE acr_queue.job, acr_queue.meta, acr_queue.event CASCADE');
  await client.end();
}

test('a Postgres that restarts is found again by workers, publishers and cancellations', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'acr-restart-'));
  closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = await startPostgres({ dataDir, durable: false });
  let current = first;
  closers.push(() => current.stop());
  const connection = await open(first.url);
  const cancellations = new Cancellations({ databaseUrl: first.url });
  closers.push(() => cancellations.close());
  const done: string[] = [];
  await serve(
    connection,
    async ({ taskId }: { taskId: string }, { signal }) => {
      done.push(taskId);
      if (taskId === 'endless') await never(signal);
    },
    { cancellations },
  );
  const publisher = new QueuePublisher(connection);
  await publisher.publish('verify', { taskId: 'before', attempt: 1 });
  await until(() => done.length === 1, 'the first message');
  await first.stop();
  await expect(publisher.publish('verify', { taskId: 'lost', attempt: 1 })).rejects.toMatchObject({
    code: 'ACR_QUEUE_UNAVAILABLE',
  });
  current = await startPostgres({ dataDir, durable: false, port: first.port });
  await publisher.publish('verify', { taskId: 'endless', attempt: 1 });
  await until(() => done.includes('endless'), 'a message after the restart');
  // A completion that meets a connection of the old server is lost; the message is free again when its lock ends
  // (15 s) and the next check sees it (5 s), and is cancelled then.
  await until(
    async () => {
      await cancellations.cancelTask('endless');
      return idle(connection);
    },
    'the cancellation after the restart',
    45_000,
  );
});

const onRedis = queueBackends().filter((backend) => backend.name === 'redis');
for (const { name } of onRedis)
  test(`a ${name} that is killed and comes back empty is found again`, async () => {
    const first = await startRedis();
    if (!first) throw new Error('redis-server vanished');
    let current = first;
    closers.push(() => current.stop());
    const connection = await open(first.url);
    const done: string[] = [];
    await serve(connection, async ({ taskId }: { taskId: string }) => void done.push(taskId));
    const publisher = new QueuePublisher(connection);
    await publisher.publish('verify', { taskId: 'before', attempt: 1 });
    await until(() => done.length === 1, 'the first message');
    await first.stop(true);
    const during = publisher.publish('verify', { taskId: 'during', attempt: 1 });
    current = (await startRedis(first.port)) ?? first;
    await during;
    await publisher.publish('verify', { taskId: 'after', attempt: 1 });
    await until(() => done.includes('after') && done.includes('during'), 'messages after the restart');
  });
