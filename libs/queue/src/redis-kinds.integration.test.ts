import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openQueueConnection } from './connection';
import type { QueueConnection } from './connection';
import { QueuePublisher } from './publisher';
import { queueCounts } from './queue-counts';
import { redisEvictionPolicy } from './redis-eviction';
import { controllerFor, startTestApp, until } from './testing-app';
import { RedisServers } from './testing-redis-kinds';

jest.setTimeout(180_000);

/** The five hops of a task on every kind of Redis, on servers that the test starts. */
let servers: RedisServers;
let closers: (() => Promise<unknown>)[];
beforeEach(() => {
  servers = new RedisServers();
  closers = [];
});
afterEach(async () => {
  for (const close of closers) await close();
  await servers.stop();
});

async function cannotRun(tls = false): Promise<boolean> {
  const reason = await RedisServers.absent(tls);
  if (reason) process.stdout.write(`not run: ${reason}\n`);
  return reason !== null;
}

/** The loop in small: every queue of the catalogue, each handler publishing the next message. */
async function startLoop(connection: QueueConnection) {
  const publisher = new QueuePublisher(connection);
  const done = new Set<string>();
  const next =
    (queue: 'verify' | 'feedback') =>
    ({ taskId }: { taskId: string }) =>
      publisher.publish(queue, { taskId, attempt: 1 });
  const serve = async (
    service: Parameters<typeof startTestApp>[0]['service'],
    handlers: Parameters<typeof controllerFor>[0],
  ) => {
    const keys = service === 'executor' ? { execute: [{ key: 'a/model' }] } : {};
    const options = { connection, service, keys, shutdownGraceMs: 2_000 };
    const { app } = await startTestApp(options, controllerFor(handlers));
    closers.push(() => app.close());
  };
  await serve('memory', {
    context: ({ taskId }: { taskId: string }) =>
      publisher.publish('decide', { kind: 'context-ready', taskId }),
    feedback: ({ taskId }: { taskId: string }) => Promise.resolve(void done.add(taskId)),
  });
  await serve('orchestrator', {
    decide: ({ taskId }: { taskId: string }) =>
      publisher.publish('execute', { taskId, attempt: 1, model: 'a/model' }),
  });
  await serve('executor', { execute: next('verify') });
  await serve('verifier', { verify: next('feedback') });
  return { publisher, done };
}

async function open(url: string): Promise<QueueConnection> {
  const connection = await openQueueConnection(url);
  closers.push(() => connection.close());
  return connection;
}

const names = (prefix: string) => Array.from({ length: 20 }, (_, n) => `${prefix}-${n}`);

async function runTasks(connection: QueueConnection) {
  const loop = await startLoop(connection);
  closers.reverse();
  await loop.publisher.publishMany(names('t').map((taskId) => ({ queue: 'context', message: { taskId } })));
  await until(() => loop.done.size === 20, 'all tasks to go through five queues', 60_000);
  return loop;
}

test('a Cluster of three nodes carries the loop, with all keys in one slot', async () => {
  if (await cannotRun()) return;
  const { url, ports } = await servers.cluster();
  expect(await redisEvictionPolicy(url)).toBe('noeviction');
  const connection = await open(url);
  await runTasks(connection);
  const found = await connection.names();
  expect(found).toEqual(
    expect.arrayContaining(['context', 'decide', 'execute.a~2fmodel', 'feedback', 'verify']),
  );
  expect((await queueCounts(connection)).reduce((sum, { count }) => sum + count, 0)).toBe(0);
  const sizes = await Promise.all(
    ports.map(async (port) => {
      const client = new Redis({ port });
      return client.dbsize().finally(() => client.disconnect());
    }),
  );
  expect(sizes.filter((size) => size > 0)).toHaveLength(1);
});

test('a cluster that is not there is said to be away, not waited for', async () => {
  if (await cannotRun()) return;
  await expect(openQueueConnection('redis+cluster://127.0.0.1:1')).rejects.toMatchObject({
    code: 'ACR_QUEUE_UNAVAILABLE',
  });
});

test('sentinels lead to the master, and to the next one when it dies', async () => {
  if (await cannotRun()) return;
  const { url, master, replicaPort } = await servers.sentinel();
  const { publisher, done } = await runTasks(await open(url));
  master.kill('SIGKILL');
  const replica = new Redis({ port: replicaPort, password: 'se cret' });
  await until(
    async () => (await replica.role())[0] === 'master',
    'the replica to be promoted',
    60_000,
  ).finally(() => replica.disconnect());
  for (const taskId of names('after'))
    await until(
      () =>
        publisher.publish('context', { taskId }, { jobId: taskId }).then(
          () => true,
          () => false,
        ),
      'the new master to take messages',
      60_000,
    );
  await until(() => names('after').every((taskId) => done.has(taskId)), 'the loop to go on', 60_000);
});

test('TLS by URL: the authority is checked', async () => {
  if (await cannotRun(true)) return;
  const { url, otherAuthority } = await servers.tls();
  await runTasks(await open(url));
  expect(await redisEvictionPolicy(url)).toBe('noeviction');
  await expect(openQueueConnection(url.replace(/ca=.*/, `ca=${otherAuthority}`))).rejects.toMatchObject({
    code: 'ACR_QUEUE_UNAVAILABLE',
  });
  await expect(openQueueConnection(url.replace(/ca=.*/, 'ca=/no/such/file'))).rejects.toMatchObject({
    code: 'ACR_CONFIG_INVALID',
  });
});
