import { QUEUES } from '@acrouter/contracts/catalogue';
import type { QueueName } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import type { Job } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadLetters } from './dead-letters';
import type { z } from 'zod';
import { envelopeSchema, explainIssues, type Envelope } from './envelope';
import { RetryLater, StopReason } from './handles';
import type { JobContext } from './handles';
import type { DeliveryFacts, QueueObserver } from './observer';
import { decodeName } from './queue-key';
import { formatTraceparent, nextSpan, parseTraceparent, withTrace } from './trace';
import type { RandomBytes } from './trace';

/** Time a handler gets to end after its signal aborted, ms; then the delivery goes on without it. */
const ABORT_PATIENCE_MS = { timeout: 5_000, shutdown: 2_000 } as const;
/** Workers that may die on one message before it counts as the cause. A crash elsewhere hits it by chance. */
const MAX_WORKER_DEATHS = 25;

/** Calls the handler of the queue. */
export type Invoke = (payload: unknown, context: JobContext) => Promise<unknown>;

export interface DeliveryOptions {
  queue: QueueName;
  key: string | undefined;
  invoke: Invoke;
  deadLetters: DeadLetters;
  /** After which the handler's signal aborts. */
  timeoutMs: number;
  observer: QueueObserver;
  random: RandomBytes;
  now: () => number;
}

/** One message in the hands of its handler. */
interface Running {
  taskId: unknown;
  controller: AbortController;
}

/** Takes the messages of one physical queue from BullMQ to the handler and reports back how each ended. */
export class Deliveries {
  private readonly running = new Set<Running>();
  private stopping = false;

  constructor(private readonly options: DeliveryOptions) {}

  /** Aborts the handlers that work on this task. */
  cancel(taskId: string): void {
    for (const { taskId: running, controller } of this.running)
      if (running === taskId) controller.abort(new StopReason('cancelled'));
  }

  /** Aborts everything; what does not end within 2 s is handed back without waiting for its handler. */
  stop(): void {
    this.stopping = true;
    for (const { controller } of this.running) controller.abort(new StopReason('shutdown'));
  }

  /** BullMQ's processor. Rejects in the ways that make BullMQ retry, delay, hand back or give up. */
  async process(job: Job, token: string): Promise<void> {
    const envelope = envelopeSchema.safeParse(job.data);
    const facts = this.factsOf(job, envelope.data);
    const parsed = this.parse(job, envelope);
    if ('reason' in parsed) return this.giveUp(job, facts, parsed.reason, 0);
    const startedAt = this.options.now();
    const took = () => this.options.now() - startedAt;
    this.tell(() => this.options.observer.onDelivered?.(facts));
    const running: Running = {
      taskId: (parsed.payload as { taskId?: unknown } | null)?.taskId,
      controller: new AbortController(),
    };
    try {
      await this.handle(job, parsed, facts, running);
      this.tell(() => this.options.observer.onCompleted?.({ ...facts, durationMs: took(), outcome: 'done' }));
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      await this.fail(job, token, facts, error, took(), running.controller.signal);
    }
  }

  private parse(
    job: Job,
    envelope: z.ZodSafeParseResult<Envelope>,
  ): { payload: unknown; publishedAtMs: number } | { reason: string } {
    const deaths = job.stalledCounter ?? 0;
    if (deaths >= MAX_WORKER_DEATHS) return { reason: `Its worker died or froze ${deaths} times` };
    if (!envelope.success) return { reason: `Not an ACRouter message: ${explainIssues(envelope.error)}` };
    const message = QUEUES[this.options.queue].schema.safeParse(envelope.data.payload);
    if (!message.success) return { reason: `Did not parse: ${explainIssues(message.error)}` };
    return { payload: message.data, publishedAtMs: envelope.data.publishedAtMs };
  }

  private factsOf(job: Job, data: Envelope | undefined): DeliveryFacts {
    const dueAtMs = job.timestamp + (job.delay ?? 0);
    return {
      queue: this.options.queue,
      key: this.options.key,
      jobId: decodeName(job.id ?? ''),
      delivery: job.attemptsStarted || 1,
      waitMs: Math.max(0, this.options.now() - dueAtMs),
      traceparent: formatTraceparent(nextSpan(parseTraceparent(data?.traceparent), this.options.random)),
      parentTraceparent: data?.traceparent,
    };
  }

  private async handle(
    job: Job,
    { payload, publishedAtMs }: { payload: unknown; publishedAtMs: number },
    facts: DeliveryFacts,
    running: Running,
  ): Promise<void> {
    const { signal } = running.controller;
    const { parentTraceparent: _above, ...own } = facts;
    const context: JobContext = {
      ...own,
      failures: job.attemptsMade,
      publishedAtMs,
      signal,
    };
    const timer = setTimeout(
      () => running.controller.abort(new StopReason('timeout')),
      this.options.timeoutMs,
    );
    this.running.add(running);
    if (this.stopping) running.controller.abort(new StopReason('shutdown'));
    try {
      const trace = parseTraceparent(facts.traceparent);
      const work = trace
        ? withTrace(trace, () => this.options.invoke(payload, context))
        : this.options.invoke(payload, context);
      await Promise.race([work, impatience(signal)]);
    } finally {
      clearTimeout(timer);
      this.running.delete(running);
    }
  }

  private async fail(
    job: Job,
    token: string,
    facts: DeliveryFacts,
    error: Error,
    durationMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { observer, now } = this.options;
    const stopped = signal.reason instanceof StopReason ? signal.reason.kind : undefined;
    if (stopped === 'cancelled')
      return this.tell(() => observer.onCompleted?.({ ...facts, durationMs, outcome: 'cancelled' }));
    if (stopped === 'shutdown') {
      this.tell(() => observer.onFailed?.({ ...facts, durationMs, error, next: 'handed-back' }));
      await this.attempt(() => job.moveToWait(token));
      throw new WaitingError();
    }
    if (error instanceof RetryLater) {
      this.tell(() => observer.onFailed?.({ ...facts, durationMs, error, next: 'later' }));
      await this.attempt(() => job.moveToDelayed(now() + Math.max(0, error.delayMs), token));
      throw new DelayedError();
    }
    const pointless = error instanceof AcrError && !error.retryable;
    if (pointless || job.attemptsMade + 1 >= (job.opts.attempts ?? 1))
      return this.giveUp(job, facts, `${error.name}: ${error.message}`, durationMs);
    this.tell(() => observer.onFailed?.({ ...facts, durationMs, error, next: 'retry' }));
    throw error;
  }

  /** Keeps a dead letter, then lets BullMQ drop the job. */
  private async giveUp(job: Job, facts: DeliveryFacts, reason: string, durationMs: number): Promise<never> {
    const { deadLetters, observer, now } = this.options;
    try {
      await deadLetters.add({
        queue: facts.queue,
        key: facts.key,
        jobId: facts.jobId,
        data: job.data as unknown,
        reason: reason.slice(0, 2_000),
        deliveries: facts.delivery,
        failedAtMs: now(),
      });
    } catch (error) {
      this.report(error);
      // Left active: its lock expires and it is delivered again, rather than lost without a letter.
      throw new DelayedError();
    }
    const payload = envelopeSchema.safeParse(job.data).data?.payload ?? (job.data as unknown);
    this.tell(() => observer.onDeadLetter?.({ ...facts, durationMs, reason, payload }));
    throw new UnrecoverableError(reason);
  }

  /** Moves a job; when that fails (queue away, job vanished) its lock expires and others take it. */
  private async attempt(move: () => Promise<unknown>): Promise<void> {
    try {
      await Promise.race([move(), sleep(2_000, undefined, { ref: false })]);
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    const { observer, queue, key } = this.options;
    const asError = error instanceof Error ? error : new Error(String(error));
    this.tell(() => observer.onError?.(asError, { queue, key }));
  }

  private tell(call: () => void): void {
    try {
      call();
    } catch {
      // An observer's fault must not change what happens to the message.
    }
  }
}

/** Rejects some time after `signal` aborted for time-out or shutdown, for handlers that do not listen to it. */
function impatience(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => {
      const reason = signal.reason as StopReason;
      if (reason.kind === 'cancelled') return;
      setTimeout(() => reject(reason), ABORT_PATIENCE_MS[reason.kind]).unref();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
