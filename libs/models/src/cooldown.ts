import type { Failed } from './model-client';

export const FIRST_COOLDOWN_MS = 5_000;
export const MAX_COOLDOWN_MS = 300_000;

/** How a model's provider has been doing, as stored in `model_health`. */
export interface Health {
  consecutiveOutages: number;
  /** Unix time in ms until which no attempt should choose the model; `null` = now is fine. */
  coolingUntilMs: number | null;
}

/** After an answer. */
export const HEALTHY: Health = { consecutiveOutages: 0, coolingUntilMs: null };

/**
 * Health after an attempt was given up.
 * - An outage cools the model for 5 s, 10 s, 20 s … at most 5 min, and at least as long as the provider asked.
 * - A wrong key or an unknown model (401, 403, 404) needs a person: 5 min at once.
 * - A refused request says nothing of the provider, a cancellation even less: health stays as it was.
 * @param askedMs from `retry-after`, obeyed even above 5 min up to an hour, or `null`.
 */
export function healthAfterOutage(
  before: Health,
  failure: Failed,
  askedMs: number | null,
  nowMs: number,
): Health {
  const needsPerson = failure.failure === 'auth' || failure.statusCode === 404;
  if (failure.failure === 'cancelled' || (failure.failure === 'refused' && !needsPerson)) return before;
  const consecutiveOutages = before.consecutiveOutages + 1;
  const own = needsPerson
    ? MAX_COOLDOWN_MS
    : Math.min(MAX_COOLDOWN_MS, FIRST_COOLDOWN_MS * 2 ** (consecutiveOutages - 1));
  const coolMs = Math.max(own, Math.min(askedMs ?? 0, 3_600_000));
  return { consecutiveOutages, coolingUntilMs: Math.max(before.coolingUntilMs ?? 0, nowMs + coolMs) };
}
