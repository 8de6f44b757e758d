import type { QueueName } from '@acrouter/contracts/catalogue';

/** Facts of one delivery, for metrics and logs. */
export interface DeliveryFacts {
  queue: QueueName;
  key: string | undefined;
  jobId: string;
  delivery: number;
  waitMs: number;
  /** The handler's own span. */
  traceparent: string;
  /** The publisher's span, the one above. */
  parentTraceparent: string | undefined;
}

/** What a service may want to count. All optional; one that throws is ignored. */
export interface QueueObserver {
  /** A handler is about to run. */
  onDelivered?(facts: DeliveryFacts): void;
  /** `outcome`: `done`, or `cancelled` when the handler stopped because its task was cancelled. */
  onCompleted?(facts: DeliveryFacts & { durationMs: number; outcome: 'done' | 'cancelled' }): void;
  /** The delivery did not succeed and will be repeated, now, later (RetryLater) or elsewhere (hand-back). */
  onFailed?(
    facts: DeliveryFacts & { durationMs: number; error: Error; next: 'retry' | 'later' | 'handed-back' },
  ): void;
  /** Given up. */
  onDeadLetter?(facts: DeliveryFacts & { durationMs: number; reason: string; payload: unknown }): void;
  /** Something about the queue itself: a lost connection, a lock that could not be renewed. Mends itself. */
  onError?(error: Error, where: { queue: QueueName; key: string | undefined }): void;
}
