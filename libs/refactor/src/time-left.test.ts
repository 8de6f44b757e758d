import { expect, test } from '@jest/globals';
import { TimeLeft } from './time-left';

const SECOND = 1_000;

test('follows the pace since the start, whatever was settled before', () => {
  const time = new TimeLeft(5 * SECOND, 10, 2);
  expect(time.after(12, 40, 7 * SECOND)).toBeNull();
  expect(time.after(13, 40, 8 * SECOND)).toBe(27 * SECOND);
  expect(time.after(20, 40, 15 * SECOND)).toBe(20 * SECOND);
});

test('falls while nothing finishes, and is not said once it has passed', () => {
  const time = new TimeLeft(0, 0, 1);
  expect(time.after(4, 8, 4 * SECOND)).toBe(4 * SECOND);
  expect(time.after(4, 8, 7 * SECOND)).toBe(SECOND);
  expect(time.after(4, 8, 8 * SECOND)).toBeNull();
  expect(time.after(4, 8, 60 * SECOND)).toBeNull();
  expect(time.after(5, 8, 60 * SECOND)).toBe(36 * SECOND);
});

test('is not said for one straggler, nor while fewer remain than run at once', () => {
  const time = new TimeLeft(0, 0, 4);
  expect(time.after(4, 8, 4 * SECOND)).toBe(4 * SECOND);
  expect(time.after(5, 8, 5 * SECOND)).toBeNull();
  expect(time.after(7, 8, 7 * SECOND)).toBeNull();
  expect(time.after(7, 8, 56 * SECOND)).toBeNull();
  expect(time.after(8, 8, 57 * SECOND)).toBeNull();
});
