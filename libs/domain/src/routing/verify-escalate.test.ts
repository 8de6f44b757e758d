import { expect, test } from '@jest/globals';
import { seededRandom } from '../seeded-random';
import type { DecisionInput, PolicySetup } from './policy';
import { verifyEscalate } from './verify-escalate';

/** Three models; the prior puts a first. What each truly scores may change on the way. */
const MODELS = ['a', 'b', 'c'];
const setup = (driftRule: boolean): PolicySetup => ({
  models: MODELS.map((id) => ({ id, simulated: false, price: { inputPerMillion: 1, outputPerMillion: 1 } })),
  prior: { source: 'test', score: { algorithm: { a: 0.8, b: 0.6, c: 0.5 } } },
  strongest: 'a',
  exploration: 0,
  driftRule,
});

const input = (tried: DecisionInput['tried'], maxAttempts: number): DecisionInput => ({
  context: { dimension: 'algorithm', language: 'python', source: 's', difficulty: null, features: null },
  neighbours: [],
  candidates: MODELS.map((model) => ({ model, predictedCostUsd: 0.001, available: true })),
  tried,
  attemptsLeft: maxAttempts - tried.length,
  budgetLeftUsd: null,
  costWeight: 0.1,
  attemptPrice: 0,
  verifierNoise: 0,
});

/** Runs `tasks` tasks of up to two attempts; returns how often each model went first in the last `counted`. */
function run(
  driftRule: boolean,
  tasks: number,
  counted: number,
  chance: (model: string, i: number) => number,
) {
  const policy = verifyEscalate.create(setup(driftRule));
  const random = seededRandom(11);
  const first = new Map(MODELS.map((m) => [m, 0]));
  for (let i = 0; i < tasks; i += 1) {
    const tried: DecisionInput['tried'][number][] = [];
    while (tried.length < 2) {
      const given = input(tried, 2);
      const decision = policy.decide(given, random);
      if (decision.action === 'stop') break;
      const { model } = decision;
      if (tried.length === 0 && i >= tasks - counted) first.set(model, (first.get(model) ?? 0) + 1);
      const score = random() < chance(model, i) ? 1 : 0;
      policy.learn({ taskId: `t${i}`, context: given.context, model, score, costUsd: 0.001, neighbours: [] });
      tried.push({ model, score, costUsd: 0.001 });
      if (score === 1) break;
    }
  }
  return first;
}

const usual: Record<string, number> = { a: 0.8, b: 0.6, c: 0.5 };

test('a model that breaks on the way loses its place; without the drift rule it keeps it for longer', () => {
  const chance = (model: string, i: number) => (model === 'a' && i >= 400 ? 0.1 : (usual[model] ?? 0));
  const [withRule, withoutRule] = [run(true, 500, 100, chance), run(false, 500, 100, chance)];
  expect(withRule.get('a')).toBeLessThan(withoutRule.get('a') as number);
  expect(run(true, 600, 100, chance).get('a')).toBeLessThan(5);
});

test('nothing changes: the order of the prior stays, with and without the drift rule', () => {
  const chance = (model: string) => usual[model] ?? 0;
  expect(run(true, 400, 400, chance)).toEqual(run(false, 400, 400, chance));
  expect(run(true, 400, 400, chance).get('a')).toBe(400);
});
