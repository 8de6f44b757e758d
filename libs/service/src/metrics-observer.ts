import { QUEUES, QUEUE_NAMES, type QueueDefinition } from '@acrouter/contracts/catalogue';
import type { QueueObserver } from '@acrouter/queue/observer';
import type { Logger } from '@acrouter/telemetry/log';
import type { Metrics } from '@acrouter/telemetry/metrics';

/**
 * Counts deliveries and logs those that failed, with the ids that lead to the task. The counters of the
 * consumer's own queues begin at 0, since an alert on a series that is not there yet never fires.
 */
export function metricsObserver(
  metrics: Metrics,
  log: Logger,
  consumer: QueueDefinition['consumer'],
): QueueObserver {
  for (const queue of QUEUE_NAMES.filter((name) => QUEUES[name].consumer === consumer)) {
    metrics.deadLetters.inc({ queue }, 0);
    for (const result of ['done', 'retry']) metrics.deliveries.inc({ queue, result }, 0);
  }
  const ids = (f: { queue: string; jobId: string; delivery: number; traceparent: string }) => ({
    queue: f.queue,
    jobId: f.jobId,
    delivery: f.delivery,
    traceparent: f.traceparent,
  });
  return {
    onDelivered: (f) => metrics.queueWait.observe({ queue: f.queue }, f.waitMs / 1000),
    onCompleted: (f) => metrics.deliveries.inc({ queue: f.queue, result: f.outcome }),
    onFailed: (f) => {
      metrics.deliveries.inc({ queue: f.queue, result: f.next });
      if (f.next === 'later') log.debug({ ...ids(f), reason: f.error.message }, 'delivery postponed');
      else log.warn({ ...ids(f), err: f.error, next: f.next }, 'delivery failed');
    },
    onDeadLetter: (f) => {
      metrics.deadLetters.inc({ queue: f.queue });
      log.error({ ...ids(f), reason: f.reason }, 'message given up; see "acr dlq list"');
    },
    onError: (error, where) =>
      log.warn({ err: error, ...where }, 'queue connection trouble; it mends itself'),
  };
}
