import { describe, expect, test } from '@jest/globals';
import { normalise } from './embedder';
import { BLOCK_ROWS, VectorArena } from './vector-arena';
import { VectorIndex } from './vector-index';

/** Deterministic numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const randomVector = (dimensions: number, random: () => number) =>
  normalise(Float32Array.from({ length: dimensions }, () => random() - 0.5));

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const unit = (dimensions: number, at: number) => {
  const v = new Float32Array(dimensions);
  v[at] = 1;
  return v;
};

describe.each([1, 15, 16, 100, 384])('a search in %i dimensions', (dimensions) => {
  test('finds what a sort of all cosines finds', () => {
    const random = generator(dimensions);
    const index = new VectorIndex<number>(new VectorArena(dimensions), 1_000);
    const rows = Array.from({ length: 700 }, () => randomVector(dimensions, random));
    rows.forEach((row, i) => index.add(row, i));
    const query = randomVector(dimensions, random);
    const expected = rows
      .map((row, i) => ({ i, cosine: dot(row, query) }))
      .filter(({ cosine }) => cosine >= 0.1)
      .sort((a, b) => b.cosine - a.cosine || b.i - a.i)
      .slice(0, 10);
    const found = index.search(query, { k: 10, threshold: 0.1 });
    expect(found).toHaveLength(expected.length);
    found.forEach((match, at) => expect(match.similarity).toBeCloseTo(expected[at]!.cosine, 5));
    if (dimensions > 1) expect(found.map((m) => m.entry)).toEqual(expected.map((e) => e.i));
  });

  test('tells apart what is the same but for the fifth digit', () => {
    const random = generator(dimensions + 2);
    const index = new VectorIndex<number>(new VectorArena(dimensions), 1_000);
    const centre = randomVector(dimensions, random);
    const near = () => {
      const noise = randomVector(dimensions, random);
      return normalise(centre.map((x, i) => x + 3e-3 * noise[i]!));
    };
    const rows = Array.from({ length: 400 }, near);
    rows.forEach((row, i) => index.add(row, i));
    const query = near();
    const exact = rows.map((row) => row.reduce((sum, x, i) => sum + x * query[i]!, 0));
    const tenth = [...exact].sort((a, b) => b - a)[9]!;
    const found = index.search(query);
    expect(found).toHaveLength(10);
    for (const { entry, similarity } of found) {
      expect(exact[entry]).toBeGreaterThan(tenth - 3e-7);
      expect(Math.abs(similarity - Math.min(1, exact[entry]!))).toBeLessThan(3e-7);
    }
  });

  // 702 rows: the last block has a number of them that is no multiple of four.
  test.each([1, 2, 5])('finds for %i queries at once what it finds for each', (queries) => {
    const random = generator(dimensions + 1);
    const index = new VectorIndex<number>(new VectorArena(dimensions), 1_000);
    for (let i = 0; i < 702; i++) index.add(randomVector(dimensions, random), i);
    const searches = Array.from({ length: queries }, (_, q) => ({
      query: randomVector(dimensions, random),
      ...(q % 2 === 0
        ? { k: 10, threshold: 0.1 }
        : { k: 3, threshold: 0, accept: (i: number) => i % 2 === 0 }),
    }));
    index.searchAll(searches).forEach((found, q) => {
      const alone = index.search(searches[q]!.query, searches[q]);
      expect(found).toHaveLength(alone.length);
      found.forEach((m, at) => expect(m.similarity).toBeCloseTo(alone[at]!.similarity, 5));
      if (dimensions > 1) {
        expect(alone.length).toBeGreaterThan(0);
        expect(found.map((m) => m.entry)).toEqual(alone.map((m) => m.entry));
      }
    });
  });
});

test('keeps the newest entries, first in, first out, over the edges of blocks', () => {
  const capacity = BLOCK_ROWS + 3;
  const index = new VectorIndex<number>(new VectorArena(16), capacity);
  const evicted: number[] = [];
  for (let i = 0; i < 3 * capacity + 5; i++) {
    const gone = index.add(unit(16, 0), i);
    if (gone !== undefined) evicted.push(gone);
  }
  expect(index.size).toBe(capacity);
  expect(evicted).toEqual(Array.from({ length: 2 * capacity + 5 }, (_, i) => i));
  const left = index.search(unit(16, 0), { k: capacity }).map((m) => m.entry);
  expect(left).toEqual(Array.from({ length: capacity }, (_, i) => 3 * capacity + 4 - i));
});

test('the threshold is the least similarity, and the newer of equals comes first', () => {
  const index = new VectorIndex<string>(new VectorArena(16), 10);
  const half = normalise(Float32Array.from([1, Math.sqrt(3), ...new Array<number>(14).fill(0)]));
  index.add(half, 'half');
  index.add(unit(16, 1), 'orthogonal');
  index.add(unit(16, 0), 'same, older');
  index.add(unit(16, 0), 'same, newer');
  expect(index.search(unit(16, 0), { threshold: 0.49 }).map((m) => m.entry)).toEqual([
    'same, newer',
    'same, older',
    'half',
  ]);
  expect(index.search(unit(16, 0), { threshold: 0.51 })).toHaveLength(2);
  expect(index.search(unit(16, 0), { k: 1 }).map((m) => m.entry)).toEqual(['same, newer']);
  expect(index.search(unit(16, 0), { k: 0 })).toEqual([]);
});

test('entries that are not accepted make room for the next best', () => {
  const index = new VectorIndex<number>(new VectorArena(16), 100);
  for (let i = 0; i < 50; i++) index.add(unit(16, 0), i);
  const even = index.search(unit(16, 0), { k: 3, accept: (i) => i % 2 === 0 });
  expect(even.map((m) => m.entry)).toEqual([48, 46, 44]);
});

test('indexes on one arena do not see each other, and a cleared one gives its blocks to the next', () => {
  const arena = new VectorArena(16);
  const [a, b] = [new VectorIndex<string>(arena, 1_000), new VectorIndex<string>(arena, 1_000)];
  for (let i = 0; i < 500; i++) {
    a.add(unit(16, 0), 'a');
    b.add(unit(16, 1), 'b');
  }
  expect(b.search(unit(16, 0))).toEqual([]);
  const { bytes } = arena;
  a.clear();
  expect(a.search(unit(16, 0))).toEqual([]);
  const c = new VectorIndex<string>(arena, 1_000);
  for (let i = 0; i < 500; i++) c.add(unit(16, 1), 'c');
  expect(arena.bytes).toBe(bytes);
  expect(new Set(b.search(unit(16, 1), { k: 600 }).map((m) => m.entry))).toEqual(new Set(['b']));
});

test('a vector that does not fit is refused', () => {
  const index = new VectorIndex<number>(new VectorArena(16), 10);
  expect(() => index.add(new Float32Array(15), 0)).toThrow(/vector of 15 in an index of 16/);
  expect(() => index.add(new Float32Array(16).fill(NaN), 0)).toThrow(/not finite/);
  expect(() => index.add(new Float32Array(16).fill(1), 0)).toThrow(/length is not 1/);
  expect(() => index.search(new Float32Array(17))).toThrow(RangeError);
  expect(() => new VectorArena(0)).toThrow(RangeError);
  expect(() => new VectorIndex(new VectorArena(16), 0)).toThrow(RangeError);
});
