import type { MessageOf, QueueName } from './catalogue';

/**
 * The one job id of a message: a message published twice while the first still waits is one job.
 * Made of letters, digits, `-` and `_` (BullMQ refuses ids with ':' and ids of digits alone).
 */
export function jobIdOf<Q extends QueueName>(queue: Q, message: MessageOf<Q>): string {
  const m = message as { taskId: string; attempt?: number; turn?: number; kind?: string };
  const part = [queue, m.taskId, m.kind, m.attempt ?? m.turn].filter((p) => p !== undefined);
  return part.join('-').replaceAll(/[^\w-]/g, '_');
}
