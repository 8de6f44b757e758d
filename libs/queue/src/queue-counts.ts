import { QUEUES, QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import type { QueueName } from '@acrouter/contracts/catalogue';
import type { QueueConnection } from './connection';
import { DEAD_LETTER_QUEUE } from './dead-letters';
import { parsePhysicalName } from './queue-key';

const STATES = ['waiting', 'prioritized', 'delayed', 'active'] as const;

export interface QueueCount {
  queue: QueueName | typeof DEAD_LETTER_QUEUE;
  key: string | undefined;
  state: (typeof STATES)[number];
  count: number;
  /** Of `waiting`: how long the oldest has been waiting since it was published, ms; `null` when none waits. */
  oldestMs: number | null;
}

/**
 * Messages per queue, key and state, keys found in the queue itself (also those nobody works on). Dead letters
 * are the queue `dead-letters`, state `waiting`.
 */
export async function queueCounts(connection: QueueConnection, now = Date.now()): Promise<QueueCount[]> {
  const fixed = QUEUE_NAMES.filter((name) => !QUEUES[name].keyed) as string[];
  const names = new Set([...fixed, DEAD_LETTER_QUEUE, ...(await connection.names())]);
  const counts: QueueCount[] = [];
  for (const name of names) {
    const parsed =
      name === DEAD_LETTER_QUEUE ? { queue: DEAD_LETTER_QUEUE, key: undefined } : parsePhysicalName(name);
    if (!parsed) continue;
    const queue = connection.queue(name);
    const [byState, oldest] = await Promise.all([queue.getJobCounts(...STATES), queue.getWaiting(0, 0)]);
    for (const state of STATES) {
      const since = state === 'waiting' ? oldest[0]?.timestamp : undefined;
      const oldestMs = since === undefined ? null : Math.max(0, now - since);
      counts.push({
        queue: parsed.queue as QueueCount['queue'],
        key: parsed.key,
        state,
        count: byState[state] ?? 0,
        oldestMs,
      });
    }
  }
  return counts;
}
