import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { calibrated, calibrationTable, trustOf, type PairCount } from './calibration';
import { BELIEVED_RELIABILITY } from './score';

const pair = (said: number, right: number, wrong: number): PairCount => ({ said, right, wrong });
const BELIEVED = 0.5;

/** A judge that says `high` for right answers and `low` for wrong ones, `n` of each. */
const judge = (high: number, low: number, n: number) => [pair(high, n, 0), pair(low, 0, n)];

describe('trustOf', () => {
  test('without pairs all is as believed: full weight, words taken as they are', () => {
    const trust = trustOf([], [], BELIEVED);
    expect(trust).toMatchObject({
      pairs: 0,
      bias: 0,
      discrimination: null,
      reliability: 0.5,
      weightFactor: 1,
    });
    expect(trust.curve).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  });

  test('a judge that always says 1 ends with no weight, and its word is worth the base rate', () => {
    const trust = trustOf([pair(1, 60, 140)], [], BELIEVED);
    expect(trust.discrimination).toBe(0);
    expect(trust.weightFactor).toBeLessThan(0.01);
    expect(trust.bias).toBeGreaterThan(0.6);
    expect(calibrated(trust.curve, 1)).toBeCloseTo(0.3, 1);
  });

  test('a good judge keeps its weight and its words', () => {
    const trust = trustOf(judge(0.9, 0.1, 100), [], BELIEVED);
    expect(trust.weightFactor).toBe(1);
    expect(trust.discrimination).toBe(1);
    expect(calibrated(trust.curve, 0.9)).toBeGreaterThan(0.9);
    expect(calibrated(trust.curve, 0.1)).toBeLessThan(0.1);
  });

  test('a judge that is right about the order but too kind keeps its weight; its words are corrected', () => {
    const trust = trustOf(judge(1, 0.8, 100), [], BELIEVED);
    expect(trust.weightFactor).toBe(1);
    expect(trust.bias).toBeCloseTo(0.4, 1);
    expect(calibrated(trust.curve, 0.8)).toBeLessThan(0.15);
  });

  test('one that says the opposite of the truth gets nothing', () => {
    expect(trustOf(judge(0, 1, 50), [], BELIEVED).weightFactor).toBe(0);
  });

  test('right answers alone, or wrong ones alone, say nothing about telling them apart', () => {
    expect(trustOf([pair(1, 500, 0)], [], BELIEVED).weightFactor).toBe(1);
    expect(trustOf([pair(1, 0, 500)], [], BELIEVED)).toMatchObject({ discrimination: null, weightFactor: 1 });
  });

  test('a few pairs hardly count; other dimensions stand in for missing ones', () => {
    expect(trustOf([pair(1, 1, 1)], [], BELIEVED).weightFactor).toBeGreaterThan(0.6);
    const elsewhere = trustOf([], [pair(1, 100, 100)], BELIEVED);
    expect(elsewhere.weightFactor).toBeLessThan(0.02);
    expect(trustOf(judge(1, 0, 100), [pair(1, 100, 100)], BELIEVED).weightFactor).toBe(1);
  });
});

const counts = fc.array(
  fc.record({
    said: fc.double({ min: -1, max: 2, noNaN: true }),
    right: fc.nat(200),
    wrong: fc.nat(200),
  }),
  { maxLength: 30 },
);

describe('for any pairs', () => {
  test('every figure stays in its range and the curve never falls', () => {
    fc.assert(
      fc.property(counts, counts, fc.double({ min: 0.05, max: 1, noNaN: true }), (own, others, believed) => {
        const trust = trustOf(own, others, believed);
        for (const value of [trust.reliability, trust.weightFactor, ...trust.curve]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(Math.abs(trust.bias)).toBeLessThanOrEqual(1);
        expect(trust.curve).toHaveLength(11);
        for (let i = 1; i < trust.curve.length; i++)
          expect(trust.curve[i]).toBeGreaterThanOrEqual(trust.curve[i - 1] as number);
      }),
    );
  });

  test('the order of pairs does not matter, and a constant signal never gains by more of them', () => {
    fc.assert(
      fc.property(counts, (own) => {
        const reversed = trustOf([...own].reverse(), [], BELIEVED);
        expect(reversed.reliability).toBeCloseTo(trustOf(own, [], BELIEVED).reliability, 9);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (right, wrong) => {
        const few = trustOf([pair(0.7, right, wrong)], [], BELIEVED).weightFactor;
        expect(trustOf([pair(0.7, 2 * right, 2 * wrong)], [], BELIEVED).weightFactor).toBeLessThan(few);
      }),
    );
  });

  test('calibrated stays in [0, 1] and rises with what was said', () => {
    const word = fc.double({ min: -0.5, max: 1.5, noNaN: true });
    fc.assert(
      fc.property(counts, word, word, (own, a, b) => {
        const { curve } = trustOf(own, [], BELIEVED);
        const [low, high] = [calibrated(curve, Math.min(a, b)), calibrated(curve, Math.max(a, b))];
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(high).toBeGreaterThanOrEqual(low - 1e-12);
      }),
    );
  });
});

test('the table has a line per signal and judge over all dimensions, then one per dimension', () => {
  const row = (source: string, dimension: string, said: number, right: number, wrong: number) =>
    ({ kind: 'judge', source, dimension, said, right, wrong }) as const;
  const rows = [
    row('a', 'algorithm', 1, 50, 50),
    row('b', 'algorithm', 1, 50, 0),
    row('b', 'bug_fixing', 0, 0, 50),
  ];
  const table = calibrationTable(rows, BELIEVED_RELIABILITY);
  expect(table.map((l) => [l.source, l.dimension, l.pairs])).toEqual([
    ['a', null, 100],
    ['a', 'algorithm', 100],
    ['b', null, 100],
    ['b', 'algorithm', 50],
    ['b', 'bug_fixing', 50],
  ]);
  expect(table[0]?.weightFactor).toBeLessThan(0.01);
  expect(table[2]?.weightFactor).toBe(1);
});
