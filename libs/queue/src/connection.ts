import { AcrError } from '@acrouter/domain/errors';
import type { Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import { PostgresQueueConnection } from './postgres-connection';
import { RedisQueueConnection } from './redis-connection';
import { isRedisUrl } from './redis-url';

/** How one physical queue is consumed. */
export type WorkerTuning = Pick<
  WorkerOptions,
  | 'concurrency'
  | 'limiter'
  | 'lockDuration'
  | 'stalledInterval'
  | 'maxStalledCount'
  | 'settings'
  | 'runRetryDelay'
>;

/** The two back ends behind one face; nothing above this file can tell which one it is on. */
export interface QueueConnection {
  /** For logs, `doctor` and tests. */
  readonly kind: 'redis' | 'postgres';
  /** The queue of that name, for publishing and looking; made on first use, closed by `close`. */
  queue(name: string): Queue;
  /** A worker that already runs; its caller closes it. */
  worker(name: string, processor: Processor, tuning: WorkerTuning): Worker;
  /** Names of the queues that exist, for counting and listing. */
  names(): Promise<string[]>;
  /** @throws AcrError ACR_QUEUE_UNAVAILABLE */
  ping(): Promise<void>;
  /** Closes queues and connections; workers must be closed before. Idempotent. */
  close(): Promise<void>;
}

export interface OpenQueueOptions {
  /** Postgres connections for queue commands, besides one that listens. Default 8. No meaning on Redis. */
  poolSize?: number;
  /** Told of connection errors; the connection mends itself. Default: nobody. */
  onError?: (error: Error) => void;
}

/**
 * Opens the queue at `url`, chosen by its scheme: `redis:`, `redis+cluster:`, `redis+sentinel:` (each with `rediss` for
 * TLS; see redis-url.ts), `postgres:`, `postgresql:`.
 * On Postgres it brings the schema `acr_queue` up to date.
 * @throws AcrError ACR_CONFIG_INVALID for another scheme, ACR_QUEUE_UNAVAILABLE when nothing answers there.
 */
export async function openQueueConnection(
  url: string,
  options: OpenQueueOptions = {},
): Promise<QueueConnection> {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1] ?? '';
  const onError = options.onError ?? (() => undefined);
  if (isRedisUrl(url)) return RedisQueueConnection.open(url, onError);
  if (scheme === 'postgres' || scheme === 'postgresql')
    return PostgresQueueConnection.open(url, options.poolSize ?? 8, onError);
  throw new AcrError(
    'ACR_CONFIG_INVALID',
    'The queue URL must begin with redis://, rediss:// (TLS), redis+cluster://, redis+sentinel://, postgres:// or postgresql:// (ACR_QUEUE_URL)',
  );
}
