import { AcrError } from '@acrouter/domain/errors';
import { setTimeout as sleep } from 'node:timers/promises';
import { duration } from './text-layout';

/** How long to wait when the gateway does not say, ms. */
const DEFAULT_DELAY_MS = 5_000;

export interface WaitForRoom {
  /** Longest that one request waits in all, ms; 0 = not at all, Infinity = until there is room. */
  patienceMs: number;
  /** Told before each wait. */
  tell: (line: string) => void;
  /** Default: node's. */
  wait?: (ms: number) => Promise<unknown>;
  /** Unix time in ms. Default: the clock. */
  now?: () => number;
}

/**
 * Sends a request, again and again while the gateway's backlog is full (ACR_BACKLOG_FULL).
 * @param request must be safe to repeat
 * @throws the refusal when patience ends; every other error at once
 */
export async function withRoom<T>(request: () => Promise<T>, options: WaitForRoom): Promise<T> {
  const { patienceMs, tell, wait = sleep, now = Date.now } = options;
  const startedMs = now();
  for (;;) {
    try {
      return await request();
    } catch (error) {
      const leftMs = startedMs + patienceMs - now();
      if (!isBacklogFull(error) || leftMs <= 0) throw error;
      const askedMs = Number(error.fields['retryAfterMs']) || DEFAULT_DELAY_MS;
      const waited = now() - startedMs;
      tell(`  the backlog is full; waiting for room${waited > 0 ? ` (${duration(waited)} so far)` : ''}`);
      await wait(Math.min(askedMs, leftMs));
    }
  }
}

/** Whether a submission was refused because too much is queued; nothing of it was stored. */
export function isBacklogFull(error: unknown): error is AcrError {
  return error instanceof AcrError && error.code === 'ACR_BACKLOG_FULL';
}
