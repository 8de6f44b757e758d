import { MAX_TASKS_PER_REQUEST } from '@acrouter/contracts/http';
import type { TaskSpec } from '@acrouter/contracts/task-file';

/** Far below the gateway's limit (ACR_BODY_LIMIT_BYTES), also where an operator has lowered it. */
const MAX_CHUNK_BYTES = 1024 * 1024;

/**
 * Cuts tasks into what one request carries: at most 1,000 tasks and 1 MiB of JSON, or one larger task alone. The same
 * tasks are always cut in the same way, so that a submission done again repeats its requests.
 */
export function chunksOf(tasks: readonly TaskSpec[]): TaskSpec[][] {
  const chunks: TaskSpec[][] = [];
  let bytes = Infinity;
  for (const task of tasks) {
    const size = Buffer.byteLength(JSON.stringify(task)) + 1;
    const last = chunks.at(-1);
    if (!last || last.length === MAX_TASKS_PER_REQUEST || bytes + size > MAX_CHUNK_BYTES) {
      chunks.push([task]);
      bytes = size;
    } else {
      last.push(task);
      bytes += size;
    }
  }
  return chunks;
}
