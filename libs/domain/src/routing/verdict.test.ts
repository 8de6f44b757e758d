import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '../seeded-random';
import { measurement, newShape, note } from './verdict';

/** Scores of a kind, each verdict flipped with probability q: pass → 0, anything else → 1. */
function observe(truth: (u: number) => number, q: number, count: number) {
  const random = seededRandom(5);
  const shape = newShape();
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    const score = truth(random());
    const seen = random() < q ? (score === 1 ? 0 : 1) : score;
    note(shape, seen, q);
    sum += measurement(seen, q, shape).value;
  }
  return { shape, mean: sum / count };
}

describe('scores behind noisy verdicts', () => {
  test('pass/fail: values are unbiased, and the counted passes are the true share', () => {
    const { shape, mean } = observe((u) => (u < 0.3 ? 1 : 0), 0.2, 20_000);
    expect(mean).toBeCloseTo(0.3, 1);
    expect(shape.ones / shape.seen).toBeCloseTo(0.3, 1);
  });

  test('graded scores: a pass was never one, so it hardly counts as a measurement', () => {
    const { shape } = observe((u) => 0.1 + 0.3 * u, 0.2, 2_000);
    expect(shape.ones / shape.seen).toBeLessThan(0.05);
    const graded = measurement(1, 0.2, shape).variance;
    expect(graded).toBeGreaterThan(5 * measurement(1, 0.2, newShape()).variance);
  });

  test('without noise a score is itself', () => {
    expect(measurement(1, 0, newShape())).toEqual({ value: 1, variance: 1e-4 });
    expect(measurement(0.4, 0.3, newShape()).value).toBe(0.4);
  });
});
