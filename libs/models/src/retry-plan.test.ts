import { describe, expect, test } from '@jest/globals';
import { coolDownMs, isProviderTrouble } from './cooldown';
import type { Failed } from './model-client';
import { estimateInputTokens, estimateTokens, requestFor } from './prompt';
import { retryAfterMs } from './retry-after';
import { MAX_CALLS_PER_ATTEMPT, planRetry } from './retry-plan';

const failure = (part: Partial<Failed> = {}): Failed => ({
  kind: 'failed',
  failure: 'server-error',
  retryable: true,
  mayHaveBeenBilled: false,
  message: '',
  latencyMs: 1,
  ...part,
});
const almostOne = () => 0.999999;

describe('planRetry', () => {
  test('the back-off doubles from 250 ms and stops at 8 s, with full jitter', () => {
    const longest = [1, 2, 3, 4].map((n) => planRetry(failure(), n, almostOne));
    expect(longest).toEqual([250, 500, 1_000, 2_000].map((delayMs) => ({ action: 'retry', delayMs })));
    expect(planRetry(failure(), 1, () => 0)).toEqual({ action: 'retry', delayMs: 0 });
  });

  test('five calls and no more', () => {
    expect(planRetry(failure(), MAX_CALLS_PER_ATTEMPT - 1, almostOne).action).toBe('retry');
    expect(planRetry(failure(), MAX_CALLS_PER_ATTEMPT, almostOne)).toEqual({
      action: 'give-up',
      coolDownMs: null,
    });
  });

  test('what cannot succeed is not repeated', () => {
    expect(planRetry(failure({ retryable: false }), 1, almostOne)).toEqual({
      action: 'give-up',
      coolDownMs: null,
    });
  });

  test('retry-after is waited for in full, with jitter on top only', () => {
    expect(planRetry(failure({ retryAfterMs: 3_000 }), 1, () => 0)).toEqual({
      action: 'retry',
      delayMs: 3_000,
    });
    expect(planRetry(failure({ retryAfterMs: 60_000 }), 1, almostOne)).toEqual({
      action: 'retry',
      delayMs: 60_250,
    });
  });

  test('a longer retry-after gives the attempt up for as long as it says', () => {
    expect(planRetry(failure({ retryAfterMs: 60_001 }), 1, almostOne)).toEqual({
      action: 'give-up',
      coolDownMs: 60_001,
    });
    expect(planRetry(failure({ retryAfterMs: 900 }), 5, almostOne)).toEqual({
      action: 'give-up',
      coolDownMs: 900,
    });
  });
});

describe('cooling down', () => {
  test('5 s, then twice as long each time, at most 5 min', () => {
    const cooling = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((n) => coolDownMs(n, null) / 1_000);
    expect(cooling).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  });

  test('the provider is left alone as long as it asks, up to an hour', () => {
    expect(coolDownMs(1, 90_000)).toBe(90_000);
    expect(coolDownMs(9, 90_000)).toBe(300_000);
    expect(coolDownMs(1, 1e12)).toBe(3_600_000);
  });

  test('what waiting cannot mend is no trouble of the provider', () => {
    for (const kind of ['refused', 'auth', 'cancelled'] as const)
      expect(isProviderTrouble(failure({ failure: kind }))).toBe(false);
    for (const kind of ['rate-limited', 'server-error', 'timeout', 'connection', 'broken-body'] as const)
      expect(isProviderTrouble(failure({ failure: kind }))).toBe(true);
  });
});

test('retry-after as a date counts from now', () => {
  const now = Date.parse('Tue, 01 Sep 2026 10:00:00 GMT');
  expect(retryAfterMs({ 'retry-after': 'Tue, 01 Sep 2026 10:00:30 GMT' }, now)).toBe(30_000);
  expect(retryAfterMs({ 'retry-after': 'Tue, 01 Sep 2026 09:00:00 GMT' }, now)).toBe(0);
  expect(retryAfterMs(undefined, now)).toBeUndefined();
});

describe('the request', () => {
  test('passes the prompt on unchanged and names a known language', () => {
    const request = requestFor({ prompt: '  x\n', language: 'python' }, 10);
    expect(request).toMatchObject({ prompt: '  x\n', maxOutputTokens: 10 });
    expect(request.system).toContain('python');
    expect(requestFor({ prompt: 'x', language: null }, 10).system).not.toContain('null');
  });

  test('token estimates count bytes, the system prompt too', () => {
    expect(estimateTokens('')).toBe(64);
    expect(estimateTokens('ab'.repeat(500))).toBe(464);
    expect(estimateTokens('漢'.repeat(100))).toBeGreaterThanOrEqual(100);
    expect(estimateInputTokens({ system: 'ab', prompt: 'abc', maxOutputTokens: 1 })).toBe(66);
  });
});
