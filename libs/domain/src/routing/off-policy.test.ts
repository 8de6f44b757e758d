import { expect, test } from '@jest/globals';
import { estimateOffPolicy } from './off-policy';
import type { LoggedDecision } from './off-policy';

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Two models with success chances .8 and .4; logged: the second one 80 % of the time; other: always the first. */
function simulate(count: number, seed: number, predicted = 0.5): LoggedDecision[] {
  const draw = random(seed);
  for (let i = 0; i < 10; i += 1) draw();
  return Array.from({ length: count }, () => {
    const first = draw() < 0.2;
    const outcome = draw() < (first ? 0.8 : 0.4) ? 1 : 0;
    return {
      outcome,
      probability: first ? 0.2 : 0.8,
      otherProbability: first ? 1 : 0,
      predicted,
      otherPredicted: predicted,
    };
  });
}

test('the 95 % intervals of all estimators cover the truth about 95 times in 100', () => {
  const covered = { ips: 0, snips: 0, doublyRobust: 0 };
  for (let seed = 1; seed <= 400; seed += 1) {
    const estimates = estimateOffPolicy(simulate(400, seed * 7_919));
    for (const key of ['ips', 'snips', 'doublyRobust'] as const) {
      const { low, high } = estimates[key];
      if (low <= 0.8 && 0.8 <= high) covered[key] += 1;
    }
  }
  for (const count of Object.values(covered)) {
    expect(count / 400).toBeGreaterThan(0.9);
    expect(count / 400).toBeLessThan(0.99);
  }
});

test('equal policies need no weights', () => {
  const log = simulate(50, 3).map((d) => ({ ...d, otherProbability: d.probability }));
  const mean = log.reduce((sum, d) => sum + d.outcome, 0) / 50;
  const { ips, snips, doublyRobust } = estimateOffPolicy(log);
  expect(ips.mean).toBeCloseTo(mean);
  expect(snips.mean).toBeCloseTo(mean);
  expect(doublyRobust.mean).toBeCloseTo(mean);
  expect(ips.effectiveSamples).toBeCloseTo(50);
});

test('impossible log lines are left out, and an empty log yields nothing', () => {
  const bad = { outcome: NaN, probability: 0, otherProbability: 1, predicted: 0, otherPredicted: 0 };
  expect(estimateOffPolicy([bad])).toMatchObject({ samples: 0, ips: { effectiveSamples: 0 } });
});
