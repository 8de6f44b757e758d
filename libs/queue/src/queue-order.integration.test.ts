import type { MessageOf } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import { queueBackends, type TestQueue } from '@acrouter/testing/databases';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openQueueConnection, type QueueConnection } from './connection';
import { DeadLetters } from './dead-letters';
import { QueuePublisher } from './publisher';
import { controllerFor, startTestApp, until } from './testing-app';

describe.each(queueBackends())('messages on $name', (backend) => {
  let place: TestQueue;
  let connection: QueueConnection;
  let publisher: QueuePublisher;
  let close: () => Promise<unknown>;
  /** Task ids in the order in which they were handled. */
  let got: string[];

  beforeEach(async () => {
    place = await backend.open();
    connection = await openQueueConnection(place.url, { poolSize: 4 });
    publisher = new QueuePublisher(connection);
    got = [];
    close = () => Promise.resolve();
  });
  afterEach(async () => {
    await close();
    await connection.close();
    await place.drop();
  });

  /** A verifier that gives up every message of a task called "bad…". */
  const serve = async (concurrency: number) => {
    const handle = ({ taskId }: MessageOf<'verify'>): Promise<void> => {
      got.push(taskId);
      return taskId.startsWith('bad')
        ? Promise.reject(new AcrError('ACR_INVALID_MESSAGE'))
        : Promise.resolve();
    };
    const options = { connection, service: 'verifier' as const, concurrency: { verify: concurrency } };
    const started = await startTestApp(options, controllerFor({ verify: handle }));
    close = () => started.app.close();
  };

  test('what is done leaves nothing behind, whether it succeeded or was given up', async () => {
    await serve(8);
    const messages = Array.from({ length: 60 }, (_, i) => ({
      queue: 'verify' as const,
      message: { taskId: `${i % 20 === 0 ? 'bad' : 'good'}${i}`, attempt: 1 },
      options: { jobId: `job-${i}`, expedited: i % 7 === 0, delayMs: i % 5 },
    }));
    await publisher.publishMany(messages);
    await until(() => got.length === 60, 'all messages');
    await until(async () => (await new DeadLetters(connection).list()).length === 3, 'the dead letters');
    const queue = connection.queue('verify');
    const left = () =>
      queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed');
    const all = async () => Object.values(await left()).reduce((a, b) => a + b, 0);
    await until(async () => (await all()) === 0, 'an empty queue');
    for (const { options } of messages) expect(await queue.getJob(options.jobId)).toBeUndefined();
  });

  test('an expedited message goes before all that wait', async () => {
    for (const taskId of ['a', 'b', 'c']) await publisher.publish('verify', { taskId, attempt: 1 });
    await publisher.publish('verify', { taskId: 'urgent', attempt: 1 }, { expedited: true });
    await serve(1);
    await until(() => got.length === 4, 'all messages');
    expect(got).toEqual(['urgent', 'a', 'b', 'c']);
  });
});
