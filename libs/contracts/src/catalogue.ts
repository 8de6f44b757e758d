import type { z } from 'zod';
import { contextMessage, decideMessage, executeMessage, feedbackMessage, verifyMessage } from './messages';

/** What the queue library must know about one queue. */
export interface QueueDefinition<S extends z.ZodType = z.ZodType> {
  /** Parsed when published and when consumed. */
  schema: S;
  /** Deliveries before the message goes to the dead letters, ≥ 1. */
  attempts: number;
  /** Exponential back-off with full jitter between deliveries, ms. */
  backoff: { baseMs: number; maxMs: number };
  /** Longest a handler may take before its signal aborts, ms. */
  timeoutMs: number;
  /** Messages handled at once per process and (where `keyed`) per key. */
  concurrency: number;
  /** One physical queue per key (`execute.gpt-5-4`), so that one slow model holds up no other. */
  keyed: boolean;
  /** The service whose handler receives it; every queue has exactly one. */
  consumer: 'orchestrator' | 'executor' | 'verifier' | 'memory';
}

const define = <S extends z.ZodType>(definition: QueueDefinition<S>) => definition;

/**
 * Every queue of the product. Attempts are generous where the work is idempotent and cheap to repeat:
 * a handler fails here only for faults of Postgres or the queue, never for a wrong answer or an outage.
 */
export const QUEUES = {
  context: define({
    schema: contextMessage,
    attempts: 8,
    backoff: { baseMs: 200, maxMs: 10_000 },
    timeoutMs: 30_000,
    concurrency: 64,
    keyed: false,
    consumer: 'memory',
  }),
  decide: define({
    schema: decideMessage,
    attempts: 8,
    backoff: { baseMs: 200, maxMs: 10_000 },
    timeoutMs: 30_000,
    concurrency: 64,
    keyed: false,
    consumer: 'orchestrator',
  }),
  execute: define({
    schema: executeMessage,
    attempts: 8,
    backoff: { baseMs: 500, maxMs: 15_000 },
    timeoutMs: 900_000,
    concurrency: 8,
    keyed: true,
    consumer: 'executor',
  }),
  verify: define({
    schema: verifyMessage,
    attempts: 5,
    backoff: { baseMs: 500, maxMs: 15_000 },
    timeoutMs: 900_000,
    concurrency: 2,
    keyed: false,
    consumer: 'verifier',
  }),
  feedback: define({
    schema: feedbackMessage,
    attempts: 8,
    backoff: { baseMs: 200, maxMs: 10_000 },
    timeoutMs: 30_000,
    concurrency: 64,
    keyed: false,
    consumer: 'memory',
  }),
} as const;

export type QueueName = keyof typeof QUEUES;
export type MessageOf<Q extends QueueName> = z.infer<(typeof QUEUES)[Q]['schema']>;

/** Queue names with their consumers, in the order a task meets them. */
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];
