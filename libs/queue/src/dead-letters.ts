import { QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import type { QueueName } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import type { Job, Queue } from 'bullmq';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { QueueConnection } from './connection';
import { envelopeSchema } from './envelope';
import { jobOptions } from './job-options';
import { encodeName, physicalName } from './queue-key';

/** A BullMQ queue that no worker reads. */
export const DEAD_LETTER_QUEUE = 'dead-letters';
/** Beyond this many the oldest go: a poisoned task that is re-published for ever must not fill Redis. */
const MAX_KEPT = 10_000;
const PAGE = 500;
const RELEASE_TIMEOUT_MS = 3_000;

const deadLetterSchema = z.object({
  queue: z.enum(QUEUE_NAMES as [string, ...string[]]),
  key: z.string().optional(),
  jobId: z.string(),
  /** The envelope as it was; anything, when it did not parse. */
  data: z.unknown(),
  reason: z.string(),
  deliveries: z.number(),
  failedAtMs: z.number(),
});

/** A message that was given up, and why. */
export interface DeadLetter {
  /** For `show`, `retry` and `drop`. */
  id: string;
  queue: string;
  key?: string;
  jobId: string;
  /** What was published; when it did not parse, whatever was found. */
  payload: unknown;
  reason: string;
  deliveries: number;
  publishedAtMs: number | null;
  failedAtMs: number;
  traceparent: string | null;
}

/** The messages that were given up, of all queues and keys. Backs `acr dlq`. */
export class DeadLetters {
  constructor(private readonly connection: QueueConnection) {}

  private get store() {
    return this.connection.queue(DEAD_LETTER_QUEUE);
  }

  /** Called by the server. Giving up the same delivery twice (a crash in between) keeps one letter. */
  async add(
    letter: Omit<z.infer<typeof deadLetterSchema>, 'failedAtMs'> & { failedAtMs: number },
  ): Promise<void> {
    const published = envelopeSchema.safeParse(letter.data).data?.publishedAtMs ?? 0;
    const identity = [letter.queue, letter.key ?? '', letter.jobId, published].join('\n');
    const id = `dl-${createHash('sha256').update(identity).digest('hex').slice(0, 20)}`;
    await this.store.add(DEAD_LETTER_QUEUE, letter, { jobId: id });
    const excess = (await this.count()) - MAX_KEPT;
    if (excess > 0) for (const job of await this.store.getWaiting(0, excess - 1)) await job.remove();
  }

  /** Letters kept now, of one queue or of all. */
  async count(queue?: string): Promise<number> {
    if (queue === undefined) return this.store.getWaitingCount();
    let count = 0;
    for await (const letter of this.all()) if (letter.queue === queue) count++;
    return count;
  }

  /** Oldest first. Default limit 100. */
  async list(options: { queue?: string; limit?: number } = {}): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    for await (const letter of this.all()) {
      if (found.length >= (options.limit ?? 100)) break;
      if (options.queue === undefined || letter.queue === options.queue) found.push(letter);
    }
    return found;
  }

  /** @throws AcrError ACR_NOT_FOUND */
  async show(id: string): Promise<DeadLetter> {
    return toLetter(await this.find(id));
  }

  /**
   * Publishes again, with a fresh count of deliveries. Returns how many. A letter whose message still does not
   * parse comes back. `'all'` takes those that were there at the call.
   * @throws AcrError ACR_NOT_FOUND for one id; ACR_CONFLICT while a worker is still giving the message up
   */
  async retry(id: string): Promise<number> {
    const jobs = id === 'all' ? await this.everyJob() : [await this.find(id)];
    for (const job of jobs) await this.publishAgain(job);
    return jobs.length;
  }

  private async publishAgain(job: Job): Promise<void> {
    const letter = deadLetterSchema.parse(job.data);
    const queue = letter.queue as QueueName;
    const target = this.connection.queue(physicalName(queue, letter.key));
    await this.untilReleased(target, letter);
    const envelope = envelopeSchema.safeParse(letter.data);
    // A new time makes it another message: should it fail again before this letter is gone, it gets its own.
    const data = envelope.success ? { ...envelope.data, publishedAtMs: Date.now() } : letter.data;
    if (!envelope.success) await job.remove();
    await target.add(queue, data, { ...jobOptions(queue), jobId: encodeName(letter.jobId) });
    if (envelope.success) await job.remove();
  }

  /** The letter is written before the message leaves its queue; until then its id would swallow the new one. */
  private async untilReleased(target: Queue, letter: z.infer<typeof deadLetterSchema>): Promise<void> {
    const published = (data: unknown) => envelopeSchema.safeParse(data).data?.publishedAtMs;
    for (const deadline = Date.now() + RELEASE_TIMEOUT_MS; ; await sleep(20)) {
      const current = (await target.getJob(encodeName(letter.jobId))) as Job | undefined;
      if (!current || published(current.data) !== published(letter.data)) return;
      if (Date.now() > deadline)
        throw new AcrError(
          'ACR_CONFLICT',
          `Message ${letter.jobId} is still in "${target.name}"; try again soon`,
        );
    }
  }

  /** Forgets one letter or `'all'`. Returns how many. @throws AcrError ACR_NOT_FOUND for one id */
  async drop(id: string): Promise<number> {
    const jobs = id === 'all' ? await this.everyJob() : [await this.find(id)];
    for (const job of jobs) await job.remove();
    return jobs.length;
  }

  private async find(id: string): Promise<Job> {
    const job = await this.store.getJob(id);
    if (!job)
      throw new AcrError('ACR_NOT_FOUND', `There is no dead letter "${id}"; "acr dlq list" shows them`);
    return job;
  }

  private async everyJob(): Promise<Job[]> {
    return this.store.getWaiting(0, MAX_KEPT);
  }

  private async *all(): AsyncGenerator<DeadLetter> {
    for (let from = 0; ; from += PAGE) {
      const jobs = await this.store.getWaiting(from, from + PAGE - 1);
      for (const job of jobs) yield toLetter(job);
      if (jobs.length < PAGE) return;
    }
  }
}

function toLetter(job: Job): DeadLetter {
  const letter = deadLetterSchema.parse(job.data);
  const envelope = envelopeSchema.safeParse(letter.data);
  return {
    id: job.id ?? '',
    queue: letter.queue,
    key: letter.key,
    jobId: letter.jobId,
    payload: envelope.success ? envelope.data.payload : letter.data,
    reason: letter.reason,
    deliveries: letter.deliveries,
    publishedAtMs: envelope.data?.publishedAtMs ?? null,
    failedAtMs: letter.failedAtMs,
    traceparent: envelope.data?.traceparent ?? null,
  };
}
