import { QUEUES } from '@acrouter/contracts/catalogue';
import type { MessageOf, QueueName } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import type { JobsOptions } from 'bullmq';
import { randomUUID } from 'node:crypto';
import type { QueueConnection } from './connection';
import { explainIssues } from './envelope';
import type { Envelope } from './envelope';
import { jobOptions } from './job-options';
import { encodeName, keyOf, physicalName } from './queue-key';
import { currentTrace, formatTraceparent, nextSpan, spanBytes, type RandomBytes } from './trace';
import { within } from './time-limit';

/** Messages per addBulk; Postgres takes a batch as one statement. */
const BULK = 500;
/** Longest wait for the queue; back ends give up earlier by themselves, but a Redis Cluster that is away does not. */
const PUBLISH_LIMIT_MS = 30_000;

export interface PublishOptions {
  /** Which of a keyed queue's queues. Default: the message's `model`. */
  key?: string;
  /**
   * While a message with this id waits, is delayed or is being handled, publishing it again does nothing.
   * Once it completed or went to the dead letters the id is free again, so that a sweeper can re-publish.
   * Any text. Default: a random id, that is no de-duplication.
   */
  jobId?: string;
  /** Earliest delivery, ms from now. Default 0. */
  delayMs?: number;
  /** W3C traceparent. Default: the current trace (see `currentTrace`), else a new one. */
  traceparent?: string;
  /** 1 (first) to 2,097,152 (last); messages without come before all that have one. */
  priority?: number;
  /** Goes before all messages that wait now, the last published first. Default false. */
  expedited?: boolean;
}

/** One message for `publishMany`. */
export type Outgoing = {
  [Q in QueueName]: { queue: Q; message: MessageOf<Q>; options?: PublishOptions };
}[QueueName];

export interface PublisherOptions {
  /** Source of trace and span ids. Default: node's. */
  random?: RandomBytes;
  /** Unix time in ms. Default: the clock. */
  now?: () => number;
}

interface PreparedJob {
  physical: string;
  name: string;
  data: Envelope;
  opts: JobsOptions;
}

/** Puts messages into queues, each parsed with its schema of the catalogue first. */
export class QueuePublisher {
  private readonly random: RandomBytes;
  private readonly now: () => number;

  constructor(
    private readonly connection: QueueConnection,
    options: PublisherOptions = {},
  ) {
    this.random = options.random ?? spanBytes;
    this.now = options.now ?? Date.now;
  }

  /**
   * Returns when the queue holds the message.
   * @throws AcrError ACR_INVALID_MESSAGE when it does not parse, ACR_QUEUE_UNAVAILABLE when the queue is away.
   */
  async publish<Q extends QueueName>(
    queue: Q,
    message: MessageOf<Q>,
    options: PublishOptions = {},
  ): Promise<void> {
    const job = this.prepare(queue, message, options);
    await this.reach(() => this.connection.queue(job.physical).add(job.name, job.data, job.opts));
  }

  /**
   * As `publish`, many at once. All messages are parsed before the first is sent; each queue's batch of up to
   * 500 is atomic, the whole is not.
   */
  async publishMany(messages: readonly Outgoing[]): Promise<void> {
    const byQueue = new Map<string, PreparedJob[]>();
    for (const { queue, message, options } of messages) {
      const job = this.prepare(queue, message, options ?? {});
      const list = byQueue.get(job.physical);
      if (list) list.push(job);
      else byQueue.set(job.physical, [job]);
    }
    for (const [physical, jobs] of byQueue)
      for (let from = 0; from < jobs.length; from += BULK)
        await this.reach(() => this.connection.queue(physical).addBulk(jobs.slice(from, from + BULK)));
  }

  private prepare(queue: QueueName, message: unknown, options: PublishOptions): PreparedJob {
    const parsed = QUEUES[queue].schema.safeParse(message);
    if (!parsed.success)
      throw new AcrError('ACR_INVALID_MESSAGE', `Message for "${queue}": ${explainIssues(parsed.error)}`, {
        fields: { queue },
      });
    const traceparent =
      options.traceparent ?? formatTraceparent(currentTrace() ?? nextSpan(undefined, this.random));
    return {
      physical: physicalName(queue, options.key ?? keyOf(queue, parsed.data)),
      name: queue,
      data: { v: 1, payload: parsed.data, traceparent, publishedAtMs: this.now() },
      opts: {
        ...jobOptions(queue),
        jobId: encodeName(options.jobId ?? randomUUID()),
        delay: options.delayMs,
        priority: options.priority,
        ...(options.expedited ? { lifo: true } : {}),
      },
    };
  }

  private async reach(work: () => Promise<unknown>): Promise<void> {
    try {
      await within(work(), PUBLISH_LIMIT_MS, 'no answer');
    } catch (cause) {
      throw new AcrError('ACR_QUEUE_UNAVAILABLE', `The queue did not take the message: ${String(cause)}`, {
        cause,
      });
    }
  }
}
