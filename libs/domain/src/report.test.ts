import { describe, expect, test } from '@jest/globals';
import { estimateRegret } from './regret';
import { compareWithStrongest, interval, quantile, type ReportTask } from './report';
import type { Prior } from './routing/policy';
import { seededRandom } from './seeded-random';

/** 1 USD per million input tokens, 10 per million output tokens. */
const price = { inputPerMillion: 1, outputPerMillion: 10 };
const compare = (tasks: ReportTask[], prior: Prior | null = null, resamples = 200) =>
  compareWithStrongest(tasks, { model: 'big', price, prior, random: seededRandom(1), resamples });

const tried = (model: string, outputTokens: number, costUsd: number | null, score: number | null = null) => ({
  model,
  score,
  costUsd,
  inputTokens: 1_000,
  outputTokens,
});
const task = (over: Partial<ReportTask>): ReportTask => ({
  dimension: 'algorithm',
  costWeight: 0.1,
  score: null,
  costUsd: 0.001,
  attempts: [tried('small', 500, 0.001)],
  ...over,
});

describe('cost of the strongest model', () => {
  test('never seen: input at its price plus the output of the model tried', () => {
    const c = compare([task({}), task({})]);
    // (1,000 · 1 + 500 · 10) / 1e6 = 0.006 each
    expect(c?.costUsd).toBeCloseTo(0.012, 12);
    expect(c?.actualCostUsd).toBeCloseTo(0.002, 12);
    expect(c?.savingUsd).toBeCloseTo(0.01, 12);
    expect(c?.savingPercent).toBeCloseTo(83.3333, 3);
    expect(c?.costBasis).toEqual({ observed: 0, ownOutput: 0, triedOutput: 2 });
    // All tasks alike: every resample is the same.
    expect(c?.costInterval[0]).toBeCloseTo(0.012, 12);
    expect(c?.costInterval[1]).toBeCloseTo(0.012, 12);
  });

  test('called on the task: its real cost, which may be more than its price suggests', () => {
    const attempts = [tried('small', 500, 0.001), tried('big', 700, 0.5)];
    const c = compare([task({ costUsd: 0.501, attempts })]);
    expect(c?.costUsd).toBeCloseTo(0.5, 12);
    expect(c?.savingUsd).toBeCloseTo(-0.001, 12);
    expect(c?.costBasis.observed).toBe(1);
  });

  test('seen three times in the dimension: its own mean output', () => {
    const own = [100, 200, 300].map((n) => task({ attempts: [tried('big', n, 0.002)] }));
    const c = compare([...own, task({})]);
    // observed 3 · 0.002, and (1,000 · 1 + 200 · 10) / 1e6 = 0.003
    expect(c?.costUsd).toBeCloseTo(0.009, 12);
    expect(c?.costBasis).toEqual({ observed: 3, ownOutput: 1, triedOutput: 0 });
  });

  test('seen three times beside others elsewhere: the output tried, scaled', () => {
    const pairs = [1, 2, 3].map(() =>
      task({ dimension: 'bug_fixing', attempts: [tried('small', 100, 0.001), tried('big', 300, 0.004)] }),
    );
    const c = compare([...pairs, task({})]);
    // 3 · 0.004, and (1,000 · 1 + 500 · 3 · 10) / 1e6 = 0.016
    expect(c?.costUsd).toBeCloseTo(0.028, 12);
    expect(c?.costBasis).toEqual({ observed: 3, ownOutput: 0, triedOutput: 1 });
  });

  test('tasks whose own cost is not fully known, or without an answer, are left out and counted', () => {
    const c = compare([task({}), task({ costUsd: null }), task({ attempts: [] })]);
    expect(c).toMatchObject({ tasksCompared: 1, tasksLeftOut: 2 });
    expect(compare([task({ costUsd: null })])).toBeNull();
    expect(compare([])).toBeNull();
  });

  test('the interval holds the estimate, is repeatable, and narrows with more tasks', () => {
    const mixed = (n: number) =>
      Array.from({ length: n }, (_, i) => task({ attempts: [tried('small', 100 * (1 + (i % 10)), 0.001)] }));
    const few = compare(mixed(20));
    const many = compare(mixed(2_000));
    expect(few).toEqual(compare(mixed(20)));
    for (const c of [few, many]) {
      expect(c?.costInterval[0]).toBeLessThan(c?.costUsd ?? 0);
      expect(c?.costInterval[1]).toBeGreaterThan(c?.costUsd ?? 0);
    }
    const width = (c: typeof few) => (c ? (c.costInterval[1] - c.costInterval[0]) / c.costUsd : NaN);
    expect(width(many)).toBeLessThan(width(few) / 5);
  });

  test('a free strongest model has no saving in percent', () => {
    const free = compareWithStrongest([task({})], {
      model: 'big',
      price: { inputPerMillion: 0, outputPerMillion: 0 },
      prior: null,
      random: seededRandom(1),
      resamples: 5,
    });
    expect(free).toMatchObject({ savingUsd: -0.001, savingPercent: null, savingPercentInterval: null });
  });
});

describe('score of the strongest model', () => {
  const prior: Prior = { source: 'test', score: { algorithm: { big: 0.4 } } };

  test('its own score where it was tried, else the prior; tasks without either are left out of both means', () => {
    const c = compare(
      [
        task({ score: 1, attempts: [tried('small', 1, 0.001, 0), tried('big', 1, 0.001, 1)] }),
        task({ score: 0, attempts: [tried('small', 1, 0.001, 0)] }),
        task({ score: 1, dimension: 'other', attempts: [tried('small', 1, 0.001, 1)] }),
      ],
      prior,
    );
    expect(c?.score).toBeCloseTo(0.7, 12);
    expect(c?.actualScore).toBeCloseTo(0.5, 12);
    expect(c?.scoreBasis).toEqual({ observed: 1, dimensionMean: 0, prior: 1, unknown: 1 });
  });

  test('first attempts make the mean of a dimension; escalations to it do not', () => {
    const first = [1, 1, 0].map((s) => task({ score: s, attempts: [tried('big', 1, 0.001, s)] }));
    const escalated = [1, 2, 3].map(() =>
      task({ score: 0, attempts: [tried('small', 1, 0.001, 0), tried('big', 1, 0.001, 0)] }),
    );
    const c = compare([...first, ...escalated, task({ score: 1 })], prior);
    // 1 + 1 + 0 + 3 · 0 + 2/3, over 7
    expect(c?.score).toBeCloseTo((2 + 2 / 3) / 7, 12);
    expect(c?.scoreBasis).toEqual({ observed: 6, dimensionMean: 1, prior: 0, unknown: 0 });
  });
});

describe('regret', () => {
  const random = seededRandom(1);
  const prior: Prior = {
    source: 'test',
    score: { algorithm: { small: 0.5, big: 0.9 } },
    costUsd: { algorithm: { big: 1 } },
  };

  test('best expected reward of the dimension less the task’s own', () => {
    const attempts = [tried('small', 1, 0.2, 0), tried('big', 1, 0.8, 1)];
    // small: 0.5 − 0.1 · 0.2 = 0.48; big: 0.9 − 0.1 · 0.8 = 0.82; own: 1 − 0.1 · 1 = 0.9
    const r = estimateRegret([task({ score: 1, costUsd: 1, attempts })], { prior, random });
    expect(r?.total).toBeCloseTo(-0.08, 12);
    expect(r).toMatchObject({ tasks: 1 });
  });

  test('follows the task’s own cost weight', () => {
    const attempts = [tried('small', 1, 0.2, 0), tried('big', 1, 0.8, 1)];
    // weight 1: small 0.3, big 0.1; own 1 − 1 = 0
    const r = estimateRegret([task({ score: 1, costUsd: 1, costWeight: 1, attempts })], { prior, random });
    expect(r?.perTask).toBeCloseTo(0.3, 12);
  });

  test('the interval holds the truth in about 95 of 100 samples', () => {
    // One model, right with 0.5 and free: the best expected reward is 0.5, the regret of a task ±0.5, its mean 0.
    // Its rating and its rewards are the same draws, so a second model (by prior, 0.7) sets what is expected.
    const fixed: Prior = {
      source: 'test',
      score: { algorithm: { rival: 0.7 } },
      costUsd: { algorithm: { rival: 0 } },
    };
    const draws = seededRandom(5);
    let held = 0;
    for (let n = 0; n < 200; n += 1) {
      const tasks = Array.from({ length: 60 }, () => {
        const right = draws() < 0.5 ? 1 : 0;
        const rival = { ...tried('rival', 1, 0, 0), score: null, costUsd: null };
        return task({
          score: right,
          costUsd: 0,
          attempts: [{ ...tried('own', 1, 0, 0), score: right }, rival],
        });
      });
      const [low, high] = estimateRegret(tasks, { prior: fixed, random: draws, resamples: 200 })
        ?.perTaskInterval ?? [9, 9];
      if (low <= 0.2 && 0.2 <= high) held += 1;
    }
    expect(held).toBeGreaterThanOrEqual(178);
    expect(held).toBeLessThanOrEqual(199);
  });

  test('nothing to rate with, nothing judged, or unknown cost: no estimate', () => {
    expect(estimateRegret([task({ score: 1 })], { prior: null, random })).toBeNull();
    expect(estimateRegret([task({})], { prior, random })).toBeNull();
    expect(estimateRegret([task({ score: 1, costUsd: null })], { prior, random })).toBeNull();
  });
});

test('quantiles are linear between neighbours', () => {
  expect(quantile([1, 2, 3, 4, 5], 0.5)).toBe(3);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([7], 0.99)).toBe(7);
  expect(interval(Array.from({ length: 41 }, (_, i) => 40 - i))).toEqual([1, 39]);
});
