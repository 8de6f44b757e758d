import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Grouped } from './grouped';

/** Doubles numbers, remembers its groups; a 13 makes the whole group fail. */
function doubling(options: { keyOf?: (n: number) => string; maxItems?: number; parallel?: number } = {}) {
  const groups: number[][] = [];
  let [running, most] = [0, 0];
  const grouped = new Grouped(async (items: readonly number[]) => {
    groups.push([...items]);
    most = Math.max(most, ++running);
    await sleep(2);
    running--;
    if (items.includes(13)) throw new Error('unlucky');
    return items.map((n) => n * 2);
  }, options);
  return { grouped, groups, most: () => most };
}

describe('work in groups', () => {
  test('what is asked for at the same time is done together, and everyone gets its own result', async () => {
    const { grouped, groups } = doubling();
    expect(await Promise.all([1, 2, 3].map((n) => grouped.do(n)))).toEqual([2, 4, 6]);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  test('what comes while all groups are under way is in the next one', async () => {
    const { grouped, groups } = doubling({ parallel: 1 });
    const first = grouped.do(1);
    await sleep(0);
    while (groups.length === 0) await sleep(1);
    const rest = [2, 3].map((n) => grouped.do(n));
    expect(await Promise.all([first, ...rest])).toEqual([2, 4, 6]);
    expect(groups).toEqual([[1], [2, 3]]);
  });

  test('groups have at most so many items, and no more run at once than said', async () => {
    const { grouped, groups, most } = doubling({ maxItems: 10, parallel: 3 });
    const wanted = Array.from({ length: 95 }, (_, i) => i + 100);
    expect(await Promise.all(wanted.map((n) => grouped.do(n)))).toEqual(wanted.map((n) => n * 2));
    expect(groups.map((g) => g.length)).toEqual([...Array(9).fill(10), 5]);
    expect(most()).toBe(3);
  });

  test('two items of one key are never in one group, and keep their order', async () => {
    const { grouped, groups } = doubling({ keyOf: (n) => String(n % 10) });
    await Promise.all([1, 11, 2, 21].map((n) => grouped.do(n)));
    expect(groups).toEqual([[1, 2], [11], [21]]);
  });

  test('when a group fails its items are done one by one: only the bad one fails', async () => {
    const { grouped, groups } = doubling();
    const results = await Promise.allSettled([1, 13, 3].map((n) => grouped.do(n)));
    expect(results.map((r) => (r.status === 'fulfilled' ? r.value : String(r.reason)))).toEqual([
      2,
      'Error: unlucky',
      6,
    ]);
    expect(groups).toEqual([[1, 13, 3], [1], [13], [3]]);
    expect(await grouped.do(4)).toBe(8);
  });

  test('a work that forgets a result fails loudly', async () => {
    const grouped = new Grouped(async () => [], {});
    await expect(grouped.do(1)).rejects.toThrow('one result per item');
  });
});
