import { readEnv } from '@acrouter/config/env';
import { QUEUES, QUEUE_NAMES, type QueueDefinition, type QueueName } from '@acrouter/contracts/catalogue';
import { BullmqServer, type KeyedWorker } from '@acrouter/queue/bullmq-server';
import { createLogger, nestLogger } from '@acrouter/telemetry/log';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { CoreModule } from './core.module';
import { metricsObserver } from './metrics-observer';
import { Readiness } from './readiness';
import { withTraces } from './tracing-observer';
import { closeServiceContext, openServiceContext, type ServiceContext } from './service-context';

/** Beyond the grace period a stopping process is ended whatever still runs, ms. */
const STOP_PATIENCE_MS = 15_000;

export interface ServiceOptions {
  name: string;
  /** Lists the service's providers and controllers. */
  module: Type;
  /** Which consumer of the catalogue this is; absent for the gateway, which consumes nothing. */
  consumer?: QueueDefinition['consumer'];
  /** Keys of its keyed queues. */
  keys?: (context: ServiceContext) => Partial<Record<QueueName, readonly KeyedWorker[]>>;
  /** Messages at once, per queue, where the catalogue's default does not fit. */
  concurrency?: (context: ServiceContext) => Partial<Record<QueueName, number>>;
  /** Last changes to the HTTP application before it listens. */
  configure?: (app: NestFastifyApplication, context: ServiceContext) => Promise<void> | void;
  /** Further options of the Fastify server. */
  http?: Readonly<Record<string, unknown>>;
}

/**
 * Runs one service until SIGTERM, SIGINT or the end of its parent, then stops it without losing work.
 * A start that fails ends the process with exit code 1 and one fatal log line that says why.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  try {
    await start(options);
  } catch (error) {
    createLogger(options.name, 'fatal').fatal(
      { err: error },
      `${options.name} cannot start: ${(error as Error).message}`,
    );
    process.exit(1);
  }
}

async function start(options: ServiceOptions): Promise<void> {
  const context = await openServiceContext(options.name, readEnv());
  const readiness = new Readiness();
  const app = await createApp(options, context, readiness);
  const strategy = options.consumer ? createStrategy(options, options.consumer, context) : null;
  if (strategy) app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  stopOnSignals(context, readiness, app, strategy);
  await options.configure?.(app, context);
  context.relay.start();
  // Nest would run the start-up hooks only in `listen`, after the first messages had been taken.
  await app.init();
  await app.startAllMicroservices();
  await app.listen(context.env.ACR_HTTP_PORT, context.env.ACR_HTTP_HOST);
  readiness.markReady();
  const url = await app.getUrl();
  context.log.info({ url }, `${options.name} ready`);
  process.send?.({ ready: true, url });
}

function createApp(options: ServiceOptions, context: ServiceContext, readiness: Readiness) {
  const root = { module: class Root {}, imports: [CoreModule.with(context, readiness), options.module] };
  const adapter = new FastifyAdapter({
    bodyLimit: context.env.ACR_BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    ...options.http,
  });
  return NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: nestLogger(context.log),
    abortOnError: false,
  });
}

function createStrategy(
  options: ServiceOptions,
  consumer: QueueDefinition['consumer'],
  context: ServiceContext,
): BullmqServer {
  return new BullmqServer({
    service: consumer,
    connection: context.queue,
    keys: options.keys?.(context),
    concurrency: options.concurrency?.(context) ?? everywhere(consumer, context.env.ACR_CONCURRENCY),
    cancellations: context.cancellations,
    observer: withTraces(metricsObserver(context.metrics, context.log, consumer), context.tracing),
    shutdownGraceMs: context.env.ACR_SHUTDOWN_GRACE_MS,
  });
}

/** The same for every queue of a service. */
function everywhere(
  consumer: QueueDefinition['consumer'],
  concurrency: number | undefined,
): Partial<Record<QueueName, number>> {
  if (concurrency === undefined) return {};
  const own = QUEUE_NAMES.filter((name) => QUEUES[name].consumer === consumer);
  return Object.fromEntries(own.map((name) => [name, concurrency]));
}

function stopOnSignals(
  context: ServiceContext,
  readiness: Readiness,
  app: NestFastifyApplication,
  strategy: BullmqServer | null,
): void {
  let stopping = false;
  const stop = async (why: string) => {
    if (stopping) return;
    stopping = true;
    readiness.markStopping();
    context.log.info({ why }, 'stopping');
    setTimeout(() => process.exit(1), context.env.ACR_SHUTDOWN_GRACE_MS + STOP_PATIENCE_MS).unref();
    await strategy?.close();
    await app.close().catch((error: unknown) => context.log.warn({ err: error }, 'while stopping'));
    await closeServiceContext(context);
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  // Started by `acr up`: when the supervisor is gone, nobody would stop us any more.
  if (process.send) process.on('disconnect', () => void stop('parent gone'));
  process.on('unhandledRejection', (error) => {
    context.log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
}
