import { expect, test } from '@jest/globals';
import type { Benchmark } from './benchmark';
import { halvesOf, stabilityStudy } from './stability';

/** 40 tasks of one kind: a solves two of three for little, b four of five for more. */
const benchmark: Benchmark = {
  name: 'made here',
  models: ['a', 'b'].map((id, i) => ({
    id,
    simulated: false,
    price: { inputPerMillion: 1 + 9 * i, outputPerMillion: 2 + 18 * i },
  })),
  tasks: Array.from({ length: 40 }, (_, i) => ({
    id: `t${i}`,
    context: { dimension: 'algorithm', language: 'python', source: 's', difficulty: null, features: null },
    prompt: null,
    cells: [
      { score: i % 3 === 0 ? 0 : 1, costUsd: 0.001 },
      { score: i % 5 === 0 ? 0 : 1, costUsd: 0.01 },
    ],
  })),
  recorded: [],
  unknownCostCells: 0,
};
const setup = {
  models: benchmark.models,
  prior: { source: 'test', score: { algorithm: { a: 0.66, b: 0.8 } } },
  strongest: 'b',
};

test('halves share no task and leave none out; another seed splits otherwise', () => {
  const ids = (seed: number) => halvesOf(benchmark, seed).map((half) => half.tasks.map((task) => task.id));
  const [first, second] = ids(1) as [string[], string[]];
  expect(first).toHaveLength(20);
  expect([...first, ...second].sort()).toEqual(benchmark.tasks.map((task) => task.id).sort());
  expect(ids(2)[0]).not.toEqual(first);
});

test('one line per bar, with as many ratios as halves', () => {
  const steps: [number, number][] = [];
  const rows = stabilityStudy(benchmark, setup, {
    splits: 2,
    orders: 1,
    only: 'K=3, weight 10',
    onProgress: (done, total) => steps.push([done, total]),
  });
  expect(rows.map((row) => row.against)).toEqual(['prior-order', 'cheapest-first']);
  expect(steps.at(-1)).toEqual([4, 4]);
  for (const row of rows) {
    expect(row).toMatchObject({ halves: 4, orders: 1, policy: 'verify-escalate', figure: 'regret' });
    expect(row.worst).toBeGreaterThanOrEqual(row.ratio.mean);
    expect(row.held === 1).toBe(row.worst <= row.limit);
  }
});
