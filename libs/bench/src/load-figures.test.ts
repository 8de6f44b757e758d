import { describe, expect, test } from '@jest/globals';
import { BARE_HOPS, nextHop } from './load-bare-hops';
import { cpuByRole, cpuPerTask, median, ratioOf, type Round } from './load-figures';

const round = (seconds: number, cpuMsPerTask: Record<string, number> = {}): Round => ({
  tasks: 100,
  seconds,
  cpuMsPerTask,
});

describe('figures of a load test', () => {
  test('the median of an even number is the mean of the two in the middle', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('the ratio is the median of neighbouring rounds, so that a slow machine slows both', () => {
    expect(ratioOf([round(2), round(20), round(4)], [round(1), round(10), round(1)])).toBe(0.5);
  });

  test('processor time is per task and role; a role that appeared later is left out', () => {
    expect(cpuPerTask({ redis: 1_000 }, { redis: 1_500, postgres: 9 }, 100)).toEqual({ redis: 5 });
    const rounds = [round(1, { a: 1, b: 5 }), round(1, { a: 3, b: 5 }), round(1, { a: 2, b: 9 })];
    expect(cpuByRole(rounds)).toEqual([
      ['b', 5],
      ['a', 2],
    ]);
  });
});

test('the bare pipeline ends after as many hops as a task of one attempt has', () => {
  const seen = [];
  for (let hop = nextHop(-1); hop; hop = nextHop(hop.hop)) seen.push(hop.name);
  expect(seen).toEqual([...BARE_HOPS]);
});
