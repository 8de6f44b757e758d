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

/** Two models with success chances .8 and .4; logged: the first one with chance `share`; other: always the first. */
function simulate(count: number, seed: number, share = 0.2, predicted = 0.5): LoggedDecision[] {
  const draw = random(seed);
  for (let i = 0; i < 10; i += 1) draw();
  return Array.from({ length: count }, () => {
    const first = draw() < share;
    const outcome = draw() < (first ? 0.8 : 0.4) ? 1 : 0;
    return {
      outcome,
      probability: first ? share : 1 - share,
      otherProbability: first ? 1 : 0,
      predicted,
      otherPredicted: predicted,
      squaredWeight: 1 / share,
      support: 1,
    };
  });
}

const KEYS = ['ips', 'snips', 'doublyRobust'] as const;

/** How many of `logs` intervals hold the truth, per estimator. */
function coverage(logs: number, count: number, share: number) {
  const covered = { ips: 0, snips: 0, doublyRobust: 0 };
  for (let seed = 1; seed <= logs; seed += 1) {
    const estimates = estimateOffPolicy(simulate(count, seed * 7_919, share));
    for (const key of KEYS) {
      const { low, high } = estimates[key];
      if (low !== null && high !== null && low <= 0.8 && 0.8 <= high) covered[key] += 1 / logs;
    }
  }
  return covered;
}

test.each([
  { share: 0.2, count: 400 },
  { share: 0.02, count: 1_000 },
])('95 % intervals cover the truth about 95 times in 100, at a chance of $share too', ({ share, count }) => {
  for (const covered of Object.values(coverage(400, count, share))) {
    expect(covered).toBeGreaterThanOrEqual(0.9);
    expect(covered).toBeLessThanOrEqual(0.99);
  }
});

test('equal policies need no weights', () => {
  const log = simulate(50, 3).map((d) => ({ ...d, otherProbability: d.probability, squaredWeight: 1 }));
  const mean = log.reduce((sum, d) => sum + d.outcome, 0) / 50;
  const { ips, snips, doublyRobust, difference, actual, effectiveSamples } = estimateOffPolicy(log);
  for (const estimate of [ips, snips, doublyRobust, actual]) expect(estimate.mean).toBeCloseTo(mean);
  expect(difference.mean).toBeCloseTo(0);
  expect(effectiveSamples).toBeCloseTo(50);
});

test('too few effective samples give a mean and no interval, however lucky the draws', () => {
  const lucky = simulate(400, 5, 0.2).map((d) => ({ ...d, squaredWeight: 100 }));
  const { ips, doublyRobust, difference, effectiveSamples } = estimateOffPolicy(lucky);
  expect(effectiveSamples).toBeCloseTo(4);
  for (const { low, high } of [ips, doublyRobust, difference]) expect([low, high]).toEqual([null, null]);
});

test('what the log could not have drawn is left out and counted, not estimated as 0', () => {
  const log = simulate(300, 8).map((d, i) => (i % 3 === 0 ? { ...d, otherProbability: 0, support: 0 } : d));
  const { ips, samples, unsupported } = estimateOffPolicy(log);
  expect({ samples, unsupported }).toEqual({ samples: 200, unsupported: 100 });
  expect(ips.mean).toBeCloseTo(estimateOffPolicy(log.filter((d) => d.support === 1)).ips.mean, 9);
});

test('intervals stay within what an outcome can be', () => {
  const { ips } = estimateOffPolicy(simulate(100, 11, 0.15), { low: 0, high: 1 });
  expect(ips.high).toBeLessThanOrEqual(1);
  expect(ips.low).toBeGreaterThanOrEqual(0);
});

test('impossible log lines are left out, and an empty log yields nothing', () => {
  const bad: LoggedDecision = {
    ...(simulate(1, 1)[0] as LoggedDecision),
    outcome: NaN,
    probability: 0,
  };
  expect(estimateOffPolicy([bad])).toMatchObject({ samples: 0, effectiveSamples: 0 });
});
