import { expect, test } from '@jest/globals';
import { inOrder } from './in-order';

test('yields in the order of the items and keeps to the limit', async () => {
  let active = 0;
  let most = 0;
  const results: number[] = [];
  const delays = [5, 1, 4, 2, 3, 0, 1];
  for await (const result of inOrder(delays, 3, async (delay) => {
    most = Math.max(most, ++active);
    await new Promise((resolve) => setTimeout(resolve, delay));
    active--;
    return delay;
  })) {
    results.push(result);
  }
  expect(results).toEqual(delays);
  expect(most).toBe(3);
});

test('an error comes in its turn', async () => {
  const seen: number[] = [];
  const run = async () => {
    for await (const n of inOrder([1, 2, 3], 2, (i) =>
      i === 2 ? Promise.reject(new Error('two')) : Promise.resolve(i),
    ))
      seen.push(n);
  };
  await expect(run()).rejects.toThrow('two');
  expect(seen).toEqual([1]);
});
