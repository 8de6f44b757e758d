import { readEnv } from '@acrouter/config/env';
import { QUEUE_NAMES, QUEUES } from '@acrouter/contracts/catalogue';
import { loadContext } from '@acrouter/db/context-store';
import { BullmqServer } from '@acrouter/queue/bullmq-server';
import { until } from '@acrouter/queue/testing-app';
import { CoreModule } from '@acrouter/service/core.module';
import { Readiness } from '@acrouter/service/readiness';
import { closeServiceContext, openServiceContext } from '@acrouter/service/service-context';
import { createTestDatabase } from '@acrouter/testing/databases';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { expect, test } from '@jest/globals';
import { AppModule } from './app.module';
import { submit } from './testing-stack';

test('the service as it is deployed starts, has a handler for each of its queues, and answers', async () => {
  const [database, queue] = await Promise.all([createTestDatabase(), createTestDatabase({ migrate: false })]);
  const env = { ACR_DATABASE_URL: database.url, ACR_QUEUE_URL: queue.url, ACR_LOG_LEVEL: 'silent' };
  const context = await openServiceContext('memory', readEnv(env));
  class Root {}
  const root = { module: Root, imports: [CoreModule.with(context, new Readiness()), AppModule] };
  const app = await NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(), { logger: false });
  // Refuses to listen unless every queue of this consumer has exactly one handler.
  const strategy = new BullmqServer({ connection: context.queue, service: 'memory' });
  app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.init();
  await submit(context.db, 't');
  await context.publisher.publish('context', { taskId: 't' });
  await until(async () => (await loadContext(context.db, 't')) !== undefined, 'the context');
  expect(QUEUE_NAMES.filter((name) => QUEUES[name].consumer === 'memory')).toEqual(['context', 'feedback']);
  await strategy.close();
  await app.close();
  await closeServiceContext(context);
  await Promise.all([database.drop(), queue.drop()]);
});
