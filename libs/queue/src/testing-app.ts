import type { QueueName } from '@acrouter/contracts/catalogue';
import { Controller } from '@nestjs/common';
import type { INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { setTimeout as sleep } from 'node:timers/promises';
import 'reflect-metadata';
import { BullmqServer } from './bullmq-server';
import type { BullmqServerOptions } from './bullmq-server';
import { Handles } from './handles';
import type { JobContext } from './handles';

/** Polls until `condition` is truthy and returns it. @throws Error after `timeoutMs` (default 15 s) */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  timeoutMs = 15_000,
): Promise<Exclude<T, false>> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(10)) {
    const value = await condition();
    if (value) return value as Exclude<T, false>;
  }
  throw new Error(`Waited in vain for: ${what}`);
}

/** What a test does with a message. */
export type TestHandler = (message: never, context: JobContext) => Promise<void>;

/** A Nest controller with one handler per queue, for tests of this library. */
export function controllerFor(handlers: Partial<Record<QueueName, TestHandler>>): Type {
  class TestController {}
  for (const [queue, handler] of Object.entries(handlers)) {
    const name = `on_${queue}`;
    const value = (message: never, context: JobContext) => handler(message, context);
    const descriptor: PropertyDescriptor = { value, configurable: true, writable: true };
    Object.defineProperty(TestController.prototype, name, descriptor);
    Payload()(TestController.prototype, name, 0);
    Ctx()(TestController.prototype, name, 1);
    Handles(queue as QueueName)(TestController.prototype, name, descriptor);
  }
  Controller()(TestController);
  return TestController;
}

/** A Nest microservice on a `BullmqServer`, listening. `app.close()` ends it. */
export async function startTestApp(
  options: BullmqServerOptions,
  ...controllers: Type[]
): Promise<{ app: INestMicroservice; server: BullmqServer }> {
  const server = new BullmqServer(options);
  class TestModule {}
  const app = await NestFactory.createMicroservice(
    { module: TestModule, controllers },
    { strategy: server, logger: false },
  );
  await app.listen();
  return { app, server };
}
