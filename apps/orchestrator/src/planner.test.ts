import { describe, expect, test } from '@jest/globals';
import type { ContextRow } from '@acrouter/db/context-store';
import type { LockedTask } from '@acrouter/db/state-store';
import { initialState } from '@acrouter/domain/loop';
import { createPolicy } from '@acrouter/domain/routing/registry';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { plan, type PlanInput, type PlannedModel } from './planner';

const price = (output: number) => ({ inputPerMillion: output / 5, outputPerMillion: output });
const model = (id: string, output: number): PlannedModel => ({
  id,
  price: price(output),
  maxOutputTokens: 1000,
  simulated: false,
});
const models = [model('small', 1), model('large', 25)];
const policy = createPolicy('vote-ensemble', {
  models: models.map((m) => ({ id: m.id, price: m.price, simulated: false })),
  prior: null,
  strongest: 'large',
});
const context = {
  dimension: 'algorithm',
  language: 'python',
  embedding: Buffer.alloc(16),
  neighbours: [],
} as unknown as ContextRow;
const task = {
  id: 't',
  prompt_bytes: 400,
  cost_weight: 0.1,
  source: null,
  state: initialState(DEFAULT_LIMITS),
} as unknown as LockedTask;
const input = (over: Partial<PlanInput> = {}): PlanInput => ({
  task,
  context,
  refusedBy: [],
  models,
  coolingUntilMs: new Map(),
  budgetLeftUsd: null,
  attemptPrice: 0,
  nowMs: 1_000,
  ...over,
});
const random = () => 0.5;

describe('planning the next attempt', () => {
  test('reserves the worst case of the chosen model', () => {
    const planned = plan(input(), policy, random);
    if (planned.action !== 'attempt') throw new Error(planned.action);
    const tokens = Math.ceil((400 + 700) / 2.5) + 64;
    const { inputPerMillion, outputPerMillion } = planned.model.price;
    expect(planned.reserveUsd).toBeCloseTo((tokens * inputPerMillion + 1000 * outputPerMillion) / 1e6, 12);
    expect(planned.decision.candidates.reduce((sum, c) => sum + c.probability, 0)).toBeCloseTo(1);
  });

  test('never offers a model whose worst case is above the budget', () => {
    const planned = plan(input({ budgetLeftUsd: 0.01 }), policy, random);
    expect(planned).toMatchObject({ action: 'attempt', model: { id: 'small' } });
  });

  test('stops when no model fits the budget', () => {
    expect(plan(input({ budgetLeftUsd: 0.00001 }), policy, random)).toMatchObject({
      action: 'stop',
      because: 'over-budget',
    });
  });

  test('passes over a model that cools down', () => {
    const coolingUntilMs = new Map([['small', 5_000]]);
    expect(plan(input({ coolingUntilMs }), policy, random)).toMatchObject({ model: { id: 'large' } });
  });

  test('waits for the first cool-down to end when all models cool down', () => {
    const coolingUntilMs = new Map([
      ['small', 9_000],
      ['large', 3_000],
    ]);
    expect(plan(input({ coolingUntilMs }), policy, random)).toMatchObject({ action: 'wait', delayMs: 2_000 });
  });

  test('does not ask a provider again that refused this prompt', () => {
    const refusedBy = ['small', 'large'];
    expect(plan(input({ refusedBy }), policy, random)).toMatchObject({ action: 'stop', because: 'no-model' });
  });
});
