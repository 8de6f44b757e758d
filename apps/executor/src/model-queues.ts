import type { ModelEntry } from '@acrouter/config/models-file';
import type { KeyedWorker } from '@acrouter/queue/bullmq-server';

/**
 * One queue per model with the model's own limits, so that a slow or rate-limited provider holds up no other.
 * @param concurrency calls at once per model in this process, where it is below the model's own limit.
 */
export function modelQueues(models: readonly ModelEntry[], concurrency?: number): KeyedWorker[] {
  return models.map(({ id, limits }) => ({
    key: id,
    concurrency: Math.min(limits.concurrency, concurrency ?? limits.concurrency),
    ...(limits.requestsPerMinute === null
      ? {}
      : { limiter: { max: limits.requestsPerMinute, durationMs: 60_000 } }),
  }));
}
