import { expect, test } from '@jest/globals';
import { durationMs, waitMs } from './duration';

test.each([
  ['90s', 90_000],
  ['1.5m', 90_000],
  ['12h', 43_200_000],
  ['24d', 2_073_600_000],
])('%s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
  expect(waitMs(text)).toBe(ms);
});

test.each(['', '5', '0s', '-1m', '1w', '1 m'])('%j is no time', (text) => {
  expect(() => durationMs(text)).toThrow(/above 0, such as/);
});

test('nothing is waited for longer than a timer can', () => {
  expect(durationMs('90d')).toBe(7_776_000_000);
  expect(() => waitMs('25d')).toThrow(/at most 24d/);
});
