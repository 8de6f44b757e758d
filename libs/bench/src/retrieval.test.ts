import type { Embedder } from '@acrouter/embedding/embedder';
import { expect, test } from '@jest/globals';
import type { Benchmark } from './benchmark';
import { compareRetrieval } from './retrieval';
import { corpusOf } from './retrieval-corpus';

const MODELS = ['cheap', 'dear'];

/** Sets a and b, six tasks each: `cheap` alone solves those of a, `dear` alone those of b. */
function benchmark(): Benchmark {
  const ids = ['a', 'b'].flatMap((set) => [0, 1, 2, 3, 4, 5].map((i) => `${set}::o${i % 2}__r-${i}`));
  return {
    name: 'two sets',
    models: MODELS.map((id) => ({
      id,
      simulated: false,
      price: { inputPerMillion: 1, outputPerMillion: 1 },
    })),
    tasks: ids.map((id) => ({
      id,
      prompt: id,
      context: {
        dimension: 'algorithm',
        language: 'python',
        source: id.slice(0, 1),
        difficulty: null,
        features: null,
      },
      cells: [
        { score: id.startsWith('a') ? 1 : 0, costUsd: 0.1 },
        { score: id.startsWith('b') ? 1 : 0, costUsd: 0.5 },
      ],
    })),
    recorded: [],
    unknownCostCells: 0,
  };
}

const embedder = (id: string, axis: (text: string) => number): Embedder => ({
  id,
  dimensions: 4,
  embed: (text) => {
    const vector = new Float32Array(4).fill(0.1);
    vector[axis(text)] = 1;
    return Promise.resolve(vector);
  },
});

test('an embedding that tells the sets apart finds neighbours that share set and best model', async () => {
  const bySet = embedder('by-set', (text) => (text.startsWith('a') ? 0 : 1));
  const blind = embedder('blind', () => 0);
  const outcome = await compareRetrieval(
    corpusOf(benchmark()),
    [blind, bySet].map((e) => ({ embedder: e, needs: 'nothing', mayBeDefault: true })),
  );
  const [, good, random] = outcome.rows;
  expect(good?.metrics['set@1']).toMatchObject({ mean: 1, low: 1, high: 1, prompts: 12 });
  expect(good?.metrics['best@1'].mean).toBe(1);
  // Five of the eleven others are of the same set, and none of the ten nearest can be more than those.
  expect(good?.metrics['set@10'].mean).toBeCloseTo(0.5, 9);
  expect(random?.metrics['set@10'].mean).toBeCloseTo(5 / 11, 9);
  expect(random?.metrics['best@10'].mean).toBeCloseTo(5 / 11, 9);
  expect(good?.versusDefault?.['set@1'].mean).toBeGreaterThan(0);
  expect(outcome).toMatchObject({ prompts: 12, informative: 12 });
});

test('of equal models the cheapest is the choice, and tasks that all score alike have none', () => {
  const { tasks, ...rest } = benchmark();
  const [first, second] = tasks;
  if (!first || !second) throw new Error('no tasks');
  first.cells = [
    { score: 1, costUsd: 0.1 },
    { score: 1, costUsd: 0.5 },
  ];
  const three = { ...rest, tasks: [first, second] };
  expect(corpusOf(three).map((item) => [item.choice, item.set, item.source])).toEqual([
    [null, 'a', 'a/o0'],
    ['cheap', 'a', 'a/o1'],
  ]);
  second.cells = [
    { score: 0, costUsd: 0.1 },
    { score: 1, costUsd: 0.5 },
    { score: 1, costUsd: 0.2 },
  ];
  const third = { id: 'third', simulated: false, price: { inputPerMillion: 1, outputPerMillion: 1 } };
  expect(corpusOf({ ...three, models: [...rest.models, third] })[1]?.choice).toBe('third');
});
