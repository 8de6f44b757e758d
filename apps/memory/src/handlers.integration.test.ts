import type { MessageOf } from '@acrouter/contracts/catalogue';
import { openDatabase, type Database } from '@acrouter/db/client';
import { readStatistics } from '@acrouter/db/statistics-store';
import { BullmqServer } from '@acrouter/queue/bullmq-server';
import { openQueueConnection, type QueueConnection } from '@acrouter/queue/connection';
import { QueuePublisher } from '@acrouter/queue/publisher';
import { controllerFor, startTestApp, until } from '@acrouter/queue/testing-app';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { createLogger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import {
  createTestDatabase,
  queueBackends,
  type TestDatabase,
  type TestQueue,
} from '@acrouter/testing/databases';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ContextHandler } from './context.handler';
import { ContextService } from './context.service';
import { FeedbackHandler } from './feedback.handler';
import { FeedbackService } from './feedback.service';
import { openReplica, submit, verified } from './testing-stack';

describe.each(queueBackends())('the handlers on $name', (backend) => {
  let place: TestDatabase;
  let queuePlace: TestQueue;
  let db: Database;
  let queue: QueueConnection;
  let publisher: QueuePublisher;
  let apps: { close(): Promise<void> }[];
  let decided: MessageOf<'decide'>[];

  beforeEach(async () => {
    [place, queuePlace] = await Promise.all([createTestDatabase(), backend.open()]);
    db = openDatabase({ url: place.url, poolSize: 8 });
    queue = await openQueueConnection(queuePlace.url, { poolSize: 4 });
    publisher = new QueuePublisher(queue);
    decided = [];
    const orchestrator = controllerFor({
      decide: async (message: MessageOf<'decide'>) => void decided.push(message),
    });
    const started = await startTestApp({ connection: queue, service: 'orchestrator' }, orchestrator);
    apps = [started.app, await startMemory()];
  });

  afterEach(async () => {
    for (const app of apps) await app.close();
    await queue.close();
    await db.destroy();
    await Promise.all([place.drop(), queuePlace.drop()]);
  });

  async function startMemory(): Promise<INestMicroservice> {
    const replica = openReplica(db);
    const relay = new OutboxRelay(db, publisher, new Metrics('test'), createLogger('test', 'silent'));
    class MemoryTestModule {}
    const app = await NestFactory.createMicroservice(
      {
        module: MemoryTestModule,
        controllers: [ContextHandler, FeedbackHandler],
        providers: [
          { provide: ContextService, useValue: replica.context },
          { provide: FeedbackService, useValue: replica.feedback },
          { provide: OutboxRelay, useValue: relay },
        ],
      },
      { strategy: new BullmqServer({ connection: queue, service: 'memory' }), logger: false },
    );
    await app.listen();
    return app;
  }

  test('a task goes from context to decision, and its feedback too, once though sent twice', async () => {
    await submit(db, 't');
    await publisher.publish('context', { taskId: 't' });
    await until(() => decided.length === 1, 'context-ready');
    await verified(db, 't', 1, { score: 1 });
    await publisher.publish('feedback', { taskId: 't', attempt: 1 }, { jobId: 'one' });
    await publisher.publish('feedback', { taskId: 't', attempt: 1 }, { jobId: 'two' });
    const finished = () => decided.filter((m) => m.kind === 'attempt-finished');
    await until(() => finished().length >= 1, 'attempt-finished');
    expect(decided[0]).toEqual({ kind: 'context-ready', taskId: 't' });
    expect(finished()[0]).toEqual({ kind: 'attempt-finished', taskId: 't', attempt: 1 });
    await until(
      async () => (await db.selectFrom('outbox_groups').select('id').execute()).length === 0,
      'the relay',
    );
    expect(await readStatistics(db, 'default', true)).toMatchObject([{ n: 1 }]);
  });
});
