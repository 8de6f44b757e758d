import { expect, test } from '@jest/globals';
import { costOf, worstCaseCost } from './task';

const price = { inputPerMillion: 2, outputPerMillion: 10, cachedInputPerMillion: 0.5 };

test('prices cached input and reasoning as such', () => {
  const usage = { inputTokens: 1000, outputTokens: 100, cachedInputTokens: 400, reasoningTokens: 50 };
  expect(costOf(usage, price)).toBeCloseTo((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6, 12);
  expect(costOf(usage, { ...price, reasoningPerMillion: 20 })).toBeCloseTo(
    (600 * 2 + 400 * 0.5 + 50 * 10 + 50 * 20) / 1e6,
    12,
  );
});

test('unknown usage costs unknown, not zero', () => {
  expect(costOf(null, price)).toBeNull();
});

test('the worst case prices all input as fresh', () => {
  expect(worstCaseCost(1000, 100, price)).toBeCloseTo(0.003, 12);
});
