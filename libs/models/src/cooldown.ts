import type { Failed } from './model-client';

export const FIRST_COOLDOWN_MS = 5_000;
export const MAX_COOLDOWN_MS = 300_000;
/** Longest that a provider's own `retry-after` is obeyed. */
const MAX_ASKED_MS = 3_600_000;

/**
 * Whether a failure that ended an attempt says that the provider is in trouble, so that no task should use it
 * for a while. A refused request, a wrong key or a cancellation does not: waiting would not mend it, and the
 * next task should fail at once with its reason rather than wait for a cool-down to end.
 */
export function isProviderTrouble(failure: Failed): boolean {
  switch (failure.failure) {
    case 'rate-limited':
    case 'server-error':
    case 'timeout':
    case 'connection':
    case 'broken-body':
      return true;
    case 'refused':
    case 'auth':
    case 'cancelled':
      return false;
  }
}

/**
 * How long a model cools down after its `consecutiveOutages`-th outage in a row, ms: 5 s, 10 s, 20 s … at most
 * 5 min, and at least as long as the provider asked.
 * @param consecutiveOutages this one included, ≥ 1.
 * @param askedMs from `retry-after`, obeyed up to an hour, or `null`.
 */
export function coolDownMs(consecutiveOutages: number, askedMs: number | null): number {
  const own = Math.min(MAX_COOLDOWN_MS, FIRST_COOLDOWN_MS * 2 ** (consecutiveOutages - 1));
  return Math.max(own, Math.min(askedMs ?? 0, MAX_ASKED_MS));
}
