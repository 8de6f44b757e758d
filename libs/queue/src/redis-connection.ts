import { AcrError } from '@acrouter/domain/errors';
import { Queue, Worker } from 'bullmq';
import type { Processor } from 'bullmq';
import type { QueueConnection, WorkerTuning } from './connection';
import { keyHolders, openRedisClient, type RedisClient } from './redis-client';
import { within } from './time-limit';

/** The braces keep all keys in one slot of a Redis Cluster, as BullMQ's scripts need. */
const PREFIX = '{acr}';
/** A publisher gives up after about 10 s without Redis; workers wait for ever (BullMQ demands it). */
const PUBLISH_RETRIES = 20;
const PING_LIMIT_MS = 15_000;

/** Queues on Redis: one connection to publish, one for the workers' commands, one per worker that blocks. */
export class RedisQueueConnection implements QueueConnection {
  readonly kind = 'redis';
  private readonly queues = new Map<string, Queue>();
  private closing?: Promise<void>;

  private constructor(
    private readonly publishing: RedisClient,
    private readonly working: RedisClient,
    private readonly onError: (error: Error) => void,
  ) {}

  static async open(url: string, onError: (error: Error) => void): Promise<RedisQueueConnection> {
    const retryStrategy = (times: number) => Math.min(times * 50, 1_000);
    const publishing = openRedisClient(url, { maxRetriesPerRequest: PUBLISH_RETRIES, retryStrategy });
    const working = openRedisClient(url, { maxRetriesPerRequest: null, retryStrategy });
    publishing.on('error', onError);
    working.on('error', onError);
    const connection = new RedisQueueConnection(publishing, working, onError);
    try {
      await connection.ping();
      return connection;
    } catch (error) {
      publishing.disconnect();
      working.disconnect();
      throw error;
    }
  }

  queue(name: string): Queue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new Queue(name, {
        connection: this.publishing,
        prefix: PREFIX,
        streams: { events: { maxLen: 100 } },
      });
      queue.on('error', this.onError);
      this.queues.set(name, queue);
    }
    return queue;
  }

  worker(name: string, processor: Processor, tuning: WorkerTuning): Worker {
    return new Worker(name, processor, { ...tuning, connection: this.working, prefix: PREFIX });
  }

  async names(): Promise<string[]> {
    const found = new Set<string>();
    for (const holder of keyHolders(this.publishing)) {
      let cursor = '0';
      do {
        const [next, keys] = await holder.scan(cursor, 'MATCH', `${PREFIX}:*:id`, 'COUNT', 1_000);
        for (const key of keys) found.add(key.slice(PREFIX.length + 1, -':id'.length));
        cursor = next;
      } while (cursor !== '0');
    }
    return [...found].sort();
  }

  async ping(): Promise<void> {
    try {
      // A cluster none of whose nodes answers lets commands wait for ever.
      await within(this.publishing.ping(), PING_LIMIT_MS, 'no answer');
    } catch (cause) {
      throw new AcrError(
        'ACR_QUEUE_UNAVAILABLE',
        'Redis does not answer. Check that it runs and that ACR_QUEUE_URL names its host, port and password.',
        { cause },
      );
    }
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(this.onError)));
      this.publishing.disconnect();
      this.working.disconnect();
    })();
    return this.closing;
  }
}
