import { expect, test } from '@jest/globals';
import { seededRandom } from '../seeded-random';
import { concludeOffPolicy, OffPolicyLog, type FirstDecision } from './off-policy-log';
import type { PolicySetup } from './policy';
import { createPolicy } from './registry';

const MODELS = ['weak', 'strong'];
const setup: PolicySetup = {
  models: MODELS.map((id, m) => ({
    id,
    simulated: false,
    price: { inputPerMillion: m + 1, outputPerMillion: m + 1 },
  })),
  prior: null,
  strongest: 'strong',
  exploration: 0,
};

/** A log in which `strong` (right 80 %, $0.02) is drawn with chance `share`, else `weak` (right 30 %, $0.001). */
function decisions(count: number, share: number, seed = 1): FirstDecision[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i): FirstDecision => {
    const strong = random() < share;
    const score = random() < (strong ? 0.8 : 0.3) ? 1 : 0;
    const first = { model: strong ? 'strong' : 'weak', score, costUsd: strong ? 0.02 : 0.001 };
    const second = { model: 'strong', score: 1, costUsd: 0.02 };
    return {
      taskId: `t${i}`,
      context: {
        dimension: 'algorithm',
        language: 'python',
        source: null,
        difficulty: null,
        features: null,
      },
      neighbours: [],
      candidates: MODELS.map((model, m) => ({
        model,
        available: true,
        predictedScore: 0.5,
        predictedCostUsd: 0.01,
        probability: m === 1 ? share : 1 - share,
        votes: {},
      })),
      model: first.model,
      probability: strong ? share : 1 - share,
      attemptsLeft: 2,
      budgetLeftUsd: null,
      costWeight: 0.1,
      attempts: score === 1 ? [first] : [first, second],
      taskScore: 1,
      taskCostUsd: score === 1 ? first.costUsd : first.costUsd + second.costUsd,
    };
  });
}

function comparison(log: readonly FirstDecision[], against = 'strong') {
  const fold = new OffPolicyLog(MODELS.includes(against) ? against : createPolicy(against, setup));
  for (const decision of log) fold.add(decision);
  return fold.result();
}

test('estimates first attempts and whole tasks from first decisions alone', () => {
  const { outcomes, decisions: n } = comparison(decisions(2_000, 0.3));
  expect(n).toBe(2_000);
  const { firstScore, firstCostUsd, taskScore, taskCostUsd } = outcomes;
  expect(firstScore.doublyRobust.mean).toBeCloseTo(0.8, 1);
  expect(firstScore.difference.mean).toBeCloseTo(0.8 - (0.3 * 0.8 + 0.7 * 0.3), 1);
  expect(firstCostUsd.doublyRobust.mean).toBeCloseTo(0.02, 2);
  // After a failure of the first attempt the logged policy asks once more, for another $0.02.
  expect(taskCostUsd.doublyRobust.mean).toBeCloseTo(0.02 + 0.2 * 0.02, 2);
  expect(taskScore.snips.mean).toBeCloseTo(1, 9);
  expect(firstScore.effectiveSamples).toBeCloseTo(600, 6);
});

test('unknown outcomes are counted and left out, not taken as 0', () => {
  const log = decisions(300, 0.5).map((d, i) => {
    const [first, ...later] = d.attempts;
    const blind = first && i % 3 === 0 ? [{ ...first, costUsd: null }, ...later] : d.attempts;
    return { ...d, attempts: blind, ...(i % 3 === 0 ? { taskCostUsd: null } : {}) };
  });
  const { firstCostUsd, taskCostUsd, firstScore } = comparison(log).outcomes;
  expect([firstCostUsd.unknown, firstCostUsd.samples]).toEqual([100, 200]);
  expect([taskCostUsd.unknown, firstScore.unknown]).toEqual([100, 0]);
  expect(firstCostUsd.snips.mean).toBeCloseTo(0.02, 9);
});

test('a model that could not have been drawn leaves nothing to conclude', () => {
  const log = decisions(100, 0).map((d) => ({ ...d, probability: 1 }));
  const { firstScore } = comparison(log).outcomes;
  expect(firstScore).toMatchObject({ samples: 0, unsupported: 100 });
  expect(concludeOffPolicy('strong', firstScore)).toMatch(
    /^Nothing can be concluded: .* never have been drawn/,
  );
});

test('a plain sentence says what can be concluded, and how much traffic it would take', () => {
  const clear = comparison(decisions(2_000, 0.3)).outcomes.firstScore;
  expect(concludeOffPolicy('strong', clear)).toMatch(/^strong would have scored more on the first attempt/);
  const rare = comparison(decisions(1_000, 0.002)).outcomes.firstScore;
  expect(concludeOffPolicy('strong', rare)).toMatch(
    /^Nothing can be concluded about strong.* about 5000 decisions/,
  );
  const even = comparison(decisions(120, 0.1, 3), 'weak').outcomes.firstScore;
  expect(concludeOffPolicy('weak', even)).toMatch(/cannot be told|less/);
});

test('a learning policy is judged while it learns from the log', () => {
  const learner = comparison(decisions(2_000, 0.5), 'epsilon-greedy');
  // It finds out that `strong` is better, and is then credited with what `strong` scores.
  expect(learner.outcomes.firstScore.doublyRobust.mean).toBeGreaterThan(0.7);
  expect(learner.agreement).toBeGreaterThan(0.4);
});
