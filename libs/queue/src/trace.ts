import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';

/** One span of a W3C trace. Source: W3C Trace Context, §3.2 (traceparent header). */
export interface Trace {
  /** 32 hex digits, the same over all hops of a task. */
  traceId: string;
  /** 16 hex digits, new on each hop. */
  spanId: string;
  /** `01` = sampled. */
  flags: string;
}

/** Gives `bytes` random bytes, valid until the next call. Tests supply their own. */
export type RandomBytes = (bytes: number) => Buffer;

/** Random bytes drawn ahead: a draw costs as much as a message's parsing, whether it is of 8 bytes or of 4,096. */
const pool = Buffer.alloc(4_096);
let drawn = pool.length;

/** Random bytes for the ids of spans; not for secrets. */
export function spanBytes(bytes: number): Buffer {
  if (drawn + bytes > pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  drawn += bytes;
  return pool.subarray(drawn - bytes, drawn);
}

const storage = new AsyncLocalStorage<Trace>();

/** The trace of the message being handled, or of `withTrace`; `undefined` outside both. */
export function currentTrace(): Trace | undefined {
  return storage.getStore();
}

/** Runs `work` with `trace` as the current trace. */
export function withTrace<T>(trace: Trace, work: () => T): T {
  return storage.run(trace, work);
}

/** Parses a traceparent; `undefined` when it is absent or malformed, as the recommendation asks. */
export function parseTraceparent(text: string | null | undefined): Trace | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '');
  const [, traceId, spanId, flags] = match ?? [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags };
}

/** `00-<traceId>-<spanId>-<flags>`. */
export function formatTraceparent(trace: Trace): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags}`;
}

/** A new span in `parent`'s trace, or a new sampled trace without one. */
export function nextSpan(parent: Trace | undefined, random: RandomBytes = spanBytes): Trace {
  return {
    traceId: parent?.traceId ?? random(16).toString('hex'),
    spanId: random(8).toString('hex'),
    flags: parent?.flags ?? '01',
  };
}
