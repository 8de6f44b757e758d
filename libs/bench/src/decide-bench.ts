import type { DecisionInput, Neighbour, PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy, POLICIES } from '@acrouter/domain/routing/registry';
import { DIMENSIONS } from '@acrouter/domain/task';
import { quantile } from './rows';
import { seededRandom } from './seeded-random';

/** Time of one decision of a policy that has learnt from `memories` attempts. */
export interface DecideTiming {
  policy: string;
  complexity: string;
  p50Micros: number;
  p99Micros: number;
}

const MODELS = 8;
const WARM_UP = 3_000;

function syntheticSetup(): PolicySetup {
  const models = Array.from({ length: MODELS }, (_, m) => ({
    id: `model-${m}`,
    simulated: true,
    price: { inputPerMillion: 1 + m, outputPerMillion: 5 + 3 * m },
  }));
  return { models, prior: null, strongest: `model-${MODELS - 1}` };
}

/**
 * Times decisions (without the neighbour search) of every policy after `memories` learnt attempts, eight
 * models and ten neighbours; half of the decisions follow a failed attempt.
 */
export function timeDecisions(memories: number, decisions: number, only?: readonly string[]): DecideTiming[] {
  const setup = syntheticSetup();
  return POLICIES.filter((p) => !only || only.includes(p.name)).map(({ name }) => {
    const policy = createPolicy(name, setup);
    const random = seededRandom(1);
    for (let i = 0; i < memories; i += 1) policy.learn(exampleAt(i, random()));
    const micros: number[] = [];
    for (let i = 0; i < decisions + WARM_UP; i += 1) {
      const input = inputAt(i, setup);
      const start = process.hrtime.bigint();
      policy.decide(input, random);
      if (i >= WARM_UP) micros.push(Number(process.hrtime.bigint() - start) / 1_000);
    }
    micros.sort((a, b) => a - b);
    return {
      policy: name,
      complexity: policy.complexity,
      p50Micros: quantile(micros, 0.5),
      p99Micros: quantile(micros, 0.99),
    };
  });
}

const contextAt = (i: number) => ({
  dimension: DIMENSIONS[i % DIMENSIONS.length] ?? ('algorithm' as const),
  language: i % 3 === 0 ? 'python' : 'javascript',
  source: `source-${i % 4}`,
  difficulty: null,
  features: null,
});

function exampleAt(i: number, draw: number) {
  const model = `model-${(i * 7) % MODELS}`;
  const neighbours: Neighbour[] = [];
  return {
    taskId: `t${i}`,
    context: contextAt(i),
    model,
    score: draw < 0.5 ? 1 : 0,
    costUsd: draw / 100,
    neighbours,
  };
}

function inputAt(i: number, setup: PolicySetup): DecisionInput {
  return {
    context: contextAt(i),
    neighbours: Array.from({ length: 10 }, (_, n) => ({
      taskId: `n${n}`,
      model: `model-${n % MODELS}`,
      score: n % 2,
      costUsd: 0.001,
      similarity: 0.9 - n / 50,
    })),
    candidates: setup.models.map((m) => ({ model: m.id, predictedCostUsd: 0.002, available: true })),
    tried: i % 2 === 0 ? [] : [{ model: 'model-3', score: 0, costUsd: 0.002 }],
    attemptsLeft: 3,
    budgetLeftUsd: 1,
    costWeight: 1,
    attemptPrice: 0,
    verifierNoise: 0,
  };
}
