import { QUEUES } from '@acrouter/contracts/catalogue';
import type { QueueName } from '@acrouter/contracts/catalogue';
import type { JobsOptions } from 'bullmq';

/** What BullMQ shall do with every message of this queue. */
export function jobOptions(queue: QueueName): JobsOptions {
  return {
    attempts: QUEUES[queue].attempts,
    backoff: { type: 'full-jitter' },
    // Gone when done: Redis stays small, and the id is free for the sweeper. Failures are kept as dead letters.
    removeOnComplete: true,
    removeOnFail: true,
    stackTraceLimit: 1,
  };
}
