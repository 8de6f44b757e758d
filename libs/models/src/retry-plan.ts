import type { Failed } from './model-client';

/** Calls that one attempt may make in all. source: interfaces.md, "Retries and limits". */
export const MAX_CALLS_PER_ATTEMPT = 5;
/** First back-off; doubles per call. */
export const BASE_DELAY_MS = 250;
export const MAX_DELAY_MS = 8_000;
/** Longest `retry-after` that is waited for; a provider that asks for more is given up for the time it asks. */
export const MAX_RETRY_AFTER_MS = 60_000;

export type RetryStep =
  | { action: 'retry'; delayMs: number }
  /** `coolDownMs`: how long the provider itself asked to be left alone, or `null`. */
  | { action: 'give-up'; coolDownMs: number | null };

/**
 * What to do after call number `callsMade` (from 1) failed. Exponential back-off with full jitter
 * (uniform in [0, cap]); `retry-after` is a floor, with a little jitter on top so that not all come back at once.
 * @param random uniform in [0, 1).
 */
export function planRetry(failure: Failed, callsMade: number, random: () => number): RetryStep {
  const asked = failure.retryAfterMs;
  if (!failure.retryable) return { action: 'give-up', coolDownMs: null };
  if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return { action: 'give-up', coolDownMs: asked };
  if (callsMade >= MAX_CALLS_PER_ATTEMPT) return { action: 'give-up', coolDownMs: asked ?? null };
  if (asked !== undefined) return { action: 'retry', delayMs: Math.round(asked + random() * BASE_DELAY_MS) };
  const cap = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (callsMade - 1));
  return { action: 'retry', delayMs: Math.round(random() * cap) };
}
