import { expect, test } from '@jest/globals';
import { timeDecisions } from './decide-bench';
import { timeNeighbourSearch } from './retrieval-speed';

test('times the named policies, in their order, and marks the product’s defaults', () => {
  const timings = timeDecisions(20, 10, ['random', 'vote-ensemble']);
  expect(timings.map((t) => [t.policy, t.default])).toEqual([
    ['random', false],
    ['vote-ensemble', true],
  ]);
  for (const t of timings) expect(t.p99Micros).toBeGreaterThanOrEqual(t.p50Micros);
  expect(() => timeDecisions(1, 1, ['vote-ensembel'])).toThrow('There is no policy "vote-ensembel"');
});

test('the neighbour search is measured at the default embedding’s size, beside a bare scan', () => {
  const timing = timeNeighbourSearch(300, 10);
  expect(timing).toMatchObject({ memories: 300, dimensions: 384, neighbours: 10, searches: 10 });
  expect(timing.ratio).toBeCloseTo(timing.index.p50Micros / timing.bareScan.p50Micros, 9);
});
