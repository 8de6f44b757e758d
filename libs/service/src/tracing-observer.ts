import type { QueueName } from '@acrouter/contracts/catalogue';
import type { DeliveryFacts, QueueObserver } from '@acrouter/queue/observer';
import type { Tracing } from '@acrouter/telemetry/tracing';

/** Span names of the hops; OpenTelemetry's GenAI conventions where they have one. */
const SPAN_NAMES: Record<QueueName, string> = {
  context: 'search_memory',
  decide: 'plan',
  execute: 'execute',
  verify: 'verify',
  feedback: 'upsert_memory',
};

/** The same observer, which also records one span per delivery, below the span of whoever published it. */
export function withTraces(observer: QueueObserver, tracing: Tracing): QueueObserver {
  const record = (f: DeliveryFacts & { durationMs: number }, result: string, error?: string) => {
    const endMs = Date.now();
    tracing.record({
      name: SPAN_NAMES[f.queue],
      kind: 'consumer',
      self: f.traceparent,
      parent: f.parentTraceparent,
      startMs: endMs - f.durationMs,
      endMs,
      error,
      attributes: {
        'messaging.system': 'bullmq',
        'messaging.destination.name': f.queue,
        'messaging.message.id': f.jobId,
        'acrouter.delivery': f.delivery,
        'acrouter.wait_ms': f.waitMs,
        'acrouter.result': result,
        ...(f.key === undefined ? {} : { 'gen_ai.request.model': f.key }),
      },
    });
  };
  return {
    ...observer,
    onCompleted: (f) => {
      observer.onCompleted?.(f);
      record(f, f.outcome);
    },
    onFailed: (f) => {
      observer.onFailed?.(f);
      record(f, f.next, f.next === 'retry' ? f.error.message : undefined);
    },
    onDeadLetter: (f) => {
      observer.onDeadLetter?.(f);
      record(f, 'dead-letter', f.reason);
    },
  };
}
