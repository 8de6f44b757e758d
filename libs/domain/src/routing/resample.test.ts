import { describe, expect, test } from '@jest/globals';
import type { DecisionInput, PolicySetup, Tried } from './policy';
import { createPolicy } from './registry';
import { chanceAfterFailures, withResampling } from './resample';

const setup: PolicySetup = {
  models: ['strong', 'weak'].map((id) => ({
    id,
    price: { inputPerMillion: 1, outputPerMillion: 1 },
    simulated: false,
  })),
  prior: { source: 'test', score: { algorithm: { strong: 0.9, weak: 0.4 } } },
  strongest: 'strong',
  exploration: 0,
};
const input = (tried: Tried[], over: Partial<DecisionInput> = {}): DecisionInput => ({
  context: { dimension: 'algorithm', language: 'python', source: null, difficulty: null, features: null },
  neighbours: [],
  candidates: setup.models.map((m) => ({ model: m.id, predictedCostUsd: 0.001, available: true })),
  tried,
  attemptsLeft: 5,
  budgetLeftUsd: null,
  costWeight: 0.1,
  attemptPrice: 0,
  verifierNoise: 0,
  ...over,
});
const failed = (model: string): Tried => ({ model, score: 0, costUsd: 0.001 });
const policy = withResampling(createPolicy('verify-escalate', setup), setup);
const decide = (...args: Parameters<typeof input>) => policy.decide(input(...args), () => 0.5);

describe('asking the same models again', () => {
  test('every model is tried once before any is tried twice', () => {
    expect(decide([failed('strong')])).toMatchObject({ action: 'attempt', model: 'weak' });
  });

  test('then the one with the best chance left is asked again', () => {
    expect(decide([failed('strong'), failed('weak')])).toMatchObject({ action: 'attempt', model: 'strong' });
  });

  test('never after a success, without attempts, or where it costs more than it can gain', () => {
    expect(decide([failed('strong'), { model: 'weak', score: 1, costUsd: 0 }])).toMatchObject({
      action: 'stop',
    });
    expect(decide([failed('strong'), failed('weak')], { attemptsLeft: 0 })).toMatchObject({ action: 'stop' });
    expect(decide([failed('strong'), failed('weak')], { costWeight: 1000 })).toMatchObject({
      action: 'stop',
    });
  });

  test('an unavailable model is not asked again', () => {
    const candidates = input([]).candidates.map((c) => ({ ...c, available: c.model === 'weak' }));
    expect(decide([failed('strong'), failed('weak')], { candidates })).toMatchObject({ model: 'weak' });
  });
});

test('what a model scored when it was asked again is not taken for its usual score, nor for a change of it', () => {
  const other = withResampling(createPolicy('verify-escalate', setup), setup);
  const chances = () => other.decide(input([]), () => 0.5).candidates.map((c) => c.predictedScore);
  const { context } = input([]);
  const learn = (taskId: string, model: string, score: number) =>
    other.learn({ taskId, model, score, context, costUsd: 0.001, neighbours: [] });
  for (let task = 0; task < 20; task += 1) {
    learn(`t${task}`, 'strong', task < 16 ? 1 : 0);
    learn(`t${task}`, 'weak', task < 8 ? 1 : 0);
  }
  const before = chances();
  for (let again = 0; again < 5; again += 1) learn('t19', 'strong', again < 4 ? 0 : 1);
  expect(chances()).toEqual(before);
});

test('on a hard task a strong model keeps more of its chance than a weak one', () => {
  const kept = (usual: number) => chanceAfterFailures(usual, 3, 1) / usual;
  expect(kept(0.9)).toBeGreaterThan(2 * kept(0.4));
  expect(chanceAfterFailures(0.86, 3, 1)).toBeCloseTo(0.36, 1);
  expect(Number.isFinite(chanceAfterFailures(1, 100, 100))).toBe(true);
});
