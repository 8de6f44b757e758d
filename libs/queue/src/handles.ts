import type { QueueName } from '@acrouter/contracts/catalogue';
import { Catch, UseFilters, applyDecorators } from '@nestjs/common';
import type { RpcExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { throwError } from 'rxjs';
import type { Observable } from 'rxjs';

/** Marks our handlers and server, so that other transports in the same app leave them alone. */
export const BULLMQ_TRANSPORT = Symbol('bullmq');

/** Second argument of a handler (`@Ctx()`): facts about this delivery. */
export interface JobContext {
  queue: QueueName;
  /** Of a keyed queue: the model. */
  key: string | undefined;
  /** As given to `publish`. */
  jobId: string;
  /** 1 for the first delivery; counts hand-backs, stalls and `RetryLater` too. */
  delivery: number;
  /** Deliveries that ended in an error so far. */
  failures: number;
  publishedAtMs: number;
  /** From publishing, or from the end of a delay, to this delivery, ms. */
  waitMs: number;
  /** W3C; the handler's own span. */
  traceparent: string;
  /** Aborts when the time is up, the task is cancelled or the process must stop; reason: a `StopReason`. */
  signal: AbortSignal;
}

/** Why a handler's signal aborted: `signal.reason.kind`. */
export class StopReason extends Error {
  constructor(readonly kind: 'cancelled' | 'timeout' | 'shutdown') {
    super(`The delivery was stopped: ${kind}`);
    this.name = 'StopReason';
  }
}

/**
 * Thrown by a handler: deliver again after exactly `delayMs`, without counting a failure. For what is nobody's
 * fault, such as a provider's `retry-after`.
 */
export class RetryLater extends Error {
  constructor(
    readonly delayMs: number,
    readonly reason: string,
  ) {
    super(`Deliver again in ${delayMs} ms: ${reason}`);
    this.name = 'RetryLater';
  }
}

/** Nest would turn every error into "Internal server error"; the queue needs the error itself. */
@Catch()
class PassOn implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Makes a controller's method the handler of a queue: `handle(@Payload() message, @Ctx() context: JobContext)`.
 * Returning = done. Throwing = a failed delivery, retried with back-off, except `RetryLater`, and except an
 * AcrError that is not retryable, which goes to the dead letters at once.
 */
export const Handles = (queue: QueueName): MethodDecorator =>
  applyDecorators(EventPattern(queue, BULLMQ_TRANSPORT), UseFilters(PassOn));
