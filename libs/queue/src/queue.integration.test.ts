import type { MessageOf } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import { createTestDatabase, queueBackends } from '@acrouter/testing/databases';
import type { TestQueue } from '@acrouter/testing/databases';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { BullmqServerOptions } from './bullmq-server';
import { BullmqClient } from './bullmq-client';
import { openQueueConnection } from './connection';
import type { QueueConnection } from './connection';
import { DeadLetters } from './dead-letters';
import { RetryLater } from './handles';
import type { JobContext } from './handles';
import { QueuePublisher } from './publisher';
import { queueCounts } from './queue-counts';
import { controllerFor, startTestApp, until } from './testing-app';
import type { TestHandler } from './testing-app';
import { parseTraceparent } from './trace';

describe.each(queueBackends())('queues on $name', (backend) => {
  let place: TestQueue;
  let connection: QueueConnection;
  let publisher: QueuePublisher;
  let letters: DeadLetters;
  let closers: (() => Promise<unknown>)[];

  beforeEach(async () => {
    place = await backend.open();
    connection = await openQueueConnection(place.url, { poolSize: 4 });
    publisher = new QueuePublisher(connection);
    letters = new DeadLetters(connection);
    closers = [];
  });

  afterEach(async () => {
    for (const close of closers) await close();
    await connection.close();
    await place.drop();
  });

  const serve = async (
    service: BullmqServerOptions['service'],
    handlers: Parameters<typeof controllerFor>[0],
    options: Partial<BullmqServerOptions> = {},
  ) => {
    const all = { connection, service, random: () => 0.01, shutdownGraceMs: 5_000, ...options };
    const started = await startTestApp(all, controllerFor(handlers));
    closers.unshift(() => started.app.close());
    return started;
  };

  /** A handler that keeps what it got. */
  const recorder = (then?: TestHandler) => {
    const got: { message: MessageOf<'verify'>; context: JobContext }[] = [];
    const handler: TestHandler = async (message, context) => {
      got.push({ message, context });
      await then?.(message, context);
    };
    return { got, handler };
  };

  test('a message goes from handler to handler, in one trace', async () => {
    const decided = recorder();
    await serve('orchestrator', { decide: decided.handler });
    const verified = recorder(async (message: MessageOf<'verify'>) => {
      await publisher.publish('decide', { kind: 'attempt-finished', ...message });
    });
    await serve('verifier', { verify: verified.handler });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await publisher.publish('verify', { taskId: 't1', attempt: 2 }, { jobId: 't1:2', traceparent });
    await until(() => decided.got.length, 'the second hop');
    expect(verified.got[0]?.context).toMatchObject({
      queue: 'verify',
      jobId: 't1:2',
      delivery: 1,
      failures: 0,
    });
    expect(decided.got.map((d) => d.message)).toEqual([
      { kind: 'attempt-finished', taskId: 't1', attempt: 2 },
    ]);
    const spans = [
      traceparent,
      verified.got[0]?.context.traceparent,
      decided.got[0]?.context.traceparent,
    ].map((text) => parseTraceparent(text));
    expect(new Set(spans.map((span) => span?.traceId)).size).toBe(1);
    expect(new Set(spans.map((span) => span?.spanId)).size).toBe(3);
    await until(
      async () => (await queueCounts(connection)).every((count) => count.count === 0),
      'completed jobs to be gone',
    );
  });

  test('refuses to publish what does not parse', async () => {
    const wrong = publisher.publish('verify', { taskId: '', attempt: 0 });
    await expect(wrong).rejects.toMatchObject({ code: 'ACR_INVALID_MESSAGE' });
    await expect(
      publisher.publishMany([
        { queue: 'verify', message: { taskId: 'a', attempt: 1 } },
        { queue: 'verify', message: { taskId: '', attempt: 1 } },
      ]),
    ).rejects.toMatchObject({ code: 'ACR_INVALID_MESSAGE' });
    expect((await queueCounts(connection)).filter((count) => count.count > 0)).toEqual([]);
  });

  test('retries with back-off until the handler succeeds', async () => {
    const { got, handler } = recorder(async (_message, context) => {
      if (context.failures < 3) throw new Error(`fault ${context.failures}`);
    });
    await serve('verifier', { verify: handler });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    await until(() => got.length === 4, 'four deliveries');
    expect(got.map(({ context }) => [context.delivery, context.failures])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect(await letters.count()).toBe(0);
  });

  test('exhausted attempts become a dead letter, which can be retried', async () => {
    let broken = true;
    const { got, handler } = recorder(async () => {
      if (broken) throw new Error('the database is away');
    });
    await serve('verifier', { verify: handler });
    await publisher.publish('verify', { taskId: 't', attempt: 1 }, { jobId: 'once' });
    const [letter] = await until(async () => {
      const list = await letters.list();
      return list.length > 0 && list;
    }, 'a dead letter');
    expect(letter).toMatchObject({
      queue: 'verify',
      jobId: 'once',
      payload: { taskId: 't', attempt: 1 },
      reason: 'Error: the database is away',
      deliveries: 5,
    });
    expect(await letters.list({ queue: 'context' })).toEqual([]);
    broken = false;
    expect(await letters.retry(letter?.id ?? '')).toBe(1);
    await until(() => got.length === 6, 'the retried delivery');
    expect(got[5]?.context).toMatchObject({ delivery: 1, jobId: 'once' });
    expect(await letters.count()).toBe(0);
    await expect(letters.show('dl-nothing')).rejects.toMatchObject({ code: 'ACR_NOT_FOUND' });
  });

  test('a letter retried at the very moment it is written loses nothing', async () => {
    const { got, handler } = recorder(async () => {
      throw new AcrError('ACR_SANDBOX_UNAVAILABLE', 'still broken');
    });
    const retried: Promise<unknown>[] = [];
    const retry = () => letters.retry('all');
    const onDeadLetter = () => void (retried.length < 3 && retried.push(retry()));
    await serve('verifier', { verify: handler }, { observer: { onDeadLetter } });
    await publisher.publish('verify', { taskId: 't', attempt: 1 }, { jobId: 'same' });
    await until(() => got.length === 4, 'three retries');
    expect(await Promise.all(retried)).toEqual([1, 1, 1]);
    await until(async () => (await letters.count()) === 1, 'the last letter');
  });

  test('a fault that cannot pass is not retried', async () => {
    const { got, handler } = recorder(async () => {
      throw new AcrError('ACR_SANDBOX_UNAVAILABLE', 'install bubblewrap');
    });
    await serve('verifier', { verify: handler });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    await until(() => letters.count(), 'a dead letter');
    expect(got).toHaveLength(1);
    expect(await letters.drop('all')).toBe(1);
    expect(await letters.count('verify')).toBe(0);
  });

  test('what does not parse is kept with its reason and never handled', async () => {
    const { got, handler } = recorder();
    await serve('verifier', { verify: handler });
    await connection.queue('verify').add('verify', { v: 1, payload: { attempt: 'x' }, publishedAtMs: 1 });
    await connection.queue('verify').add('verify', 'not even an envelope');
    await until(async () => (await letters.count()) === 2, 'two dead letters');
    const reasons = (await letters.list()).map((letter) => letter.reason).sort();
    expect(reasons[0]).toMatch(/^Did not parse: taskId/);
    expect(reasons[1]).toMatch(/^Not an ACRouter message/);
    expect(got).toEqual([]);
  });

  test('RetryLater delivers again after its delay without counting a failure', async () => {
    const at: number[] = [];
    const { got, handler } = recorder(async () => {
      at.push(Date.now());
      if (at.length < 8) throw new RetryLater(60, 'rate limited');
    });
    await serve('verifier', { verify: handler });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    // More often than the attempts of the queue (5).
    await until(() => got.length === 8, 'eight deliveries');
    expect(got.every(({ context }) => context.failures === 0)).toBe(true);
    expect(at.slice(1).every((time, i) => time - (at[i] ?? 0) >= 59)).toBe(true);
    expect(await letters.count()).toBe(0);
  });

  test('a delayed message is not early', async () => {
    const { got, handler } = recorder();
    await serve('verifier', { verify: handler });
    const before = Date.now();
    await publisher.publish('verify', { taskId: 't', attempt: 1 }, { delayMs: 300 });
    await until(() => got.length, 'the delayed message');
    expect(Date.now() - before).toBeGreaterThanOrEqual(299);
  });

  test('the same job id waits once, and may come again when it is done', async () => {
    const message = { taskId: 't', attempt: 1 };
    await publisher.publish('verify', message, { jobId: '7' });
    await publisher.publishMany([
      { queue: 'verify', message, options: { jobId: '7' } },
      { queue: 'verify', message, options: { jobId: '8' } },
    ]);
    const { got, handler } = recorder();
    await serve('verifier', { verify: handler });
    await until(() => got.length === 2, 'two messages');
    await until(
      async () => (await queueCounts(connection)).every((count) => count.count === 0),
      'both to be done',
    );
    await publisher.publish('verify', message, { jobId: '7' });
    await until(() => got.length === 3, 'the re-published message');
    expect(got.map(({ context }) => context.jobId).sort()).toEqual(['7', '7', '8']);
  });

  test('a slow key holds up no other, and its name may be anything', async () => {
    const done: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((open) => (release = open));
    const execute: TestHandler = async (message: MessageOf<'execute'>, context) => {
      if (message.model === 'slow/model: 1') await gate;
      done.push(`${context.key}`);
    };
    const keys = { execute: [{ key: 'slow/model: 1', concurrency: 1 }, { key: '42' }] };
    await serve('executor', { execute }, { keys });
    for (const model of ['slow/model: 1', 'slow/model: 1', '42', '42'])
      await publisher.publish('execute', { taskId: 't', attempt: 1, model });
    await until(() => done.length === 2, 'the other key');
    expect(done).toEqual(['42', '42']);
    const counts = await queueCounts(connection);
    const slow = counts.filter((count) => count.key === 'slow/model: 1' && count.count > 0);
    expect(slow.map(({ state, count }) => [state, count])).toEqual([
      ['waiting', 1],
      ['active', 1],
    ]);
    release();
    await until(() => done.length === 4, 'the slow key');
  });

  test('a rate limit per key spaces its messages out', async () => {
    const at: number[] = [];
    const execute: TestHandler = async () => void at.push(Date.now());
    // Handlers may start late on a busy machine, so half of the window is what is certain.
    const limiter = { max: 2, durationMs: 1_200 };
    await serve('executor', { execute }, { keys: { execute: [{ key: 'limited', limiter }] } });
    const message = { taskId: 't', attempt: 1, model: 'limited' };
    await publisher.publishMany([1, 2, 3].map(() => ({ queue: 'execute' as const, message })));
    await until(() => at.length === 3, 'all three');
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(600);
  });

  test('a handler that takes too long is told to stop, and its message is tried again', async () => {
    const { got, handler } = recorder(async (_message, { signal, failures }) => {
      if (failures === 0)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await serve('verifier', { verify: handler }, { timeoutMs: { verify: 100 } });
    await publisher.publish('verify', { taskId: 't', attempt: 1 });
    await until(() => got.length === 2, 'the second delivery');
    expect(got[0]?.context.signal.reason).toMatchObject({ kind: 'timeout' });
    expect(got[1]?.context.failures).toBe(1);
  });

  test('Nest’s client emits, and refuses to wait for replies', async () => {
    const { got, handler } = recorder();
    await serve('verifier', { verify: handler });
    const client = new BullmqClient(publisher);
    client.emit('verify', { taskId: 't', attempt: 3 });
    await until(() => got.length, 'the emitted message');
    await expect(client.send().toPromise()).rejects.toThrow(/event-driven/);
  });

  test('does not start without exactly one handler per own queue', async () => {
    const handler: TestHandler = async () => undefined;
    const start = (...handlers: Parameters<typeof controllerFor>) =>
      startTestApp({ connection, service: 'memory' }, ...handlers.map((each) => controllerFor(each)));
    await expect(start({ context: handler })).rejects.toThrow(/"feedback" has no handler/);
    const both = { context: handler, feedback: handler };
    await expect(start({ ...both, verify: handler })).rejects.toThrow(
      /"verify", which belongs to the verifier/,
    );
    const twice = [controllerFor(both), controllerFor({ context: handler })];
    await expect(startTestApp({ connection, service: 'memory' }, ...twice)).rejects.toMatchObject({
      code: 'ACR_NO_HANDLER',
      message: expect.stringMatching(/"context" has 2 handlers/),
    });
    const executor = startTestApp({ connection, service: 'executor' }, controllerFor({ execute: handler }));
    await expect(executor).rejects.toThrow(/options\.keys\.execute is missing/);
  });
});

test('on Postgres, messages leave no events behind, and several processes may start at once', async () => {
  const database = await createTestDatabase({ migrate: false });
  const connections = await Promise.all(
    [1, 2, 3].map(() => openQueueConnection(database.url, { poolSize: 1 })),
  );
  await new QueuePublisher(connections[0] as QueueConnection).publish('verify', { taskId: 't', attempt: 1 });
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    'SELECT (SELECT count(*)::int FROM acr_queue.job) AS jobs, (SELECT count(*)::int FROM acr_queue.event) AS events',
  );
  await client.end();
  expect(rows).toEqual([{ jobs: 1, events: 0 }]);
  for (const connection of connections) await connection.close();
  await database.drop();
});

test('an unusable URL says what to do', async () => {
  await expect(openQueueConnection('amqp://localhost')).rejects.toMatchObject({ code: 'ACR_CONFIG_INVALID' });
  await expect(openQueueConnection('postgres://127.0.0.1:1/x')).rejects.toMatchObject({
    code: 'ACR_QUEUE_UNAVAILABLE',
    message: expect.stringMatching(/ACR_QUEUE_URL/),
  });
});
