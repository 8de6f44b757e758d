import { type Env, rawEnv } from '@acrouter/config/env';
import { readModelsFile, type ModelsFile } from '@acrouter/config/models-file';
import { openDatabase, type Database } from '@acrouter/db/client';
import { AcrError } from '@acrouter/domain/errors';
import { Cancellations } from '@acrouter/queue/cancellations';
import { openQueueConnection, type QueueConnection } from '@acrouter/queue/connection';
import { QueuePublisher } from '@acrouter/queue/publisher';
import { createLogger, type Logger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutboxRelay } from './outbox-relay';

/** How long a starting service waits for Postgres and the queue, ms; orchestrators restart it after that. */
const START_PATIENCE_MS = 60_000;

/** What every service is made of; opened once per process, closed in the opposite order. */
export interface ServiceContext {
  name: string;
  env: Env;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  models: ModelsFile;
  db: Database;
  queue: QueueConnection;
  publisher: QueuePublisher;
  relay: OutboxRelay;
  cancellations: Cancellations;
}

/** Connects to Postgres and the queue, waiting for both up to a minute. Throws AcrErrors that name the remedy. */
export async function openServiceContext(name: string, env: Env): Promise<ServiceContext> {
  const log = createLogger(name, env.ACR_LOG_LEVEL);
  const metrics = new Metrics(name);
  const tracing = new Tracing({
    service: name,
    endpoint: env.ACR_OTLP_ENDPOINT,
    withPrompts: env.ACR_TRACE_PROMPTS,
  });
  // Only the executor calls models, and so only it needs their keys.
  const models = readModelsFile(env.ACR_MODELS_FILE ?? null, name === 'executor' ? rawEnv() : null);
  metrics.allowModels(models.models.map((m) => m.id));
  const onError = (error: Error) => log.warn({ err: error }, 'connection lost; will be reopened');
  const db = openDatabase({
    url: env.ACR_DATABASE_URL,
    poolSize: env.ACR_DATABASE_POOL,
    byKey: name !== 'gateway',
    applicationName: `acr-${name}`,
    onIdleError: onError,
  });
  await patiently(log, () => checkDatabase(db));
  const queue = await patiently(log, () =>
    openQueueConnection(env.ACR_QUEUE_URL, { poolSize: env.ACR_QUEUE_POOL, onError }),
  );
  const publisher = new QueuePublisher(queue);
  const relay = new OutboxRelay(db, publisher, metrics, log);
  const cancellations = new Cancellations({ databaseUrl: env.ACR_DATABASE_URL, onError });
  return { name, env, log, metrics, tracing, models, db, queue, publisher, relay, cancellations };
}

/** Closes everything, whatever fails on the way. */
export async function closeServiceContext(context: ServiceContext): Promise<void> {
  for (const close of [
    () => context.relay.stop(),
    () => context.cancellations.close(),
    () => context.queue.close(),
    () => context.db.destroy(),
    () => context.tracing.close(),
  ])
    await close().catch((error: unknown) => context.log.warn({ err: error }, 'while closing'));
}

/** @throws AcrError ACR_DATABASE_UNAVAILABLE when Postgres is away or not migrated. */
export async function checkDatabase(db: Database): Promise<void> {
  try {
    await sql`select 1 from tasks limit 1`.execute(db);
  } catch (cause) {
    const missing = (cause as { code?: string }).code === '42P01';
    const why = missing ? 'its tables are missing; run "acr up", or "acr migrate" against it' : String(cause);
    throw new AcrError('ACR_DATABASE_UNAVAILABLE', `Postgres (ACR_DATABASE_URL) cannot be used: ${why}`, {
      cause,
    });
  }
}

async function patiently<T>(log: Logger, attempt: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + START_PATIENCE_MS;
  for (let delayMs = 200; ; delayMs = Math.min(delayMs * 2, 3_000)) {
    try {
      return await attempt();
    } catch (error) {
      const hopeless = error instanceof AcrError && error.code === 'ACR_CONFIG_INVALID';
      if (hopeless || Date.now() + delayMs > giveUpAt) throw error;
      log.info({ reason: (error as Error).message }, 'waiting for a dependency');
      await sleep(delayMs);
    }
  }
}
