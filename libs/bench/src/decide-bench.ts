import type { DecisionInput, Neighbour, Policy, PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy, defaultPolicyName, POLICIES } from '@acrouter/domain/routing/registry';
import { DIMENSIONS } from '@acrouter/domain/task';
import type { Micros } from './retrieval-speed';
import { microsOf, microsSummary } from './retrieval-speed';
import { quantile } from './rows';
import { seededRandom } from '@acrouter/domain/seeded-random';

/** Time of one decision of a policy that has learnt from `memories` attempts. */
export interface DecideTiming extends Micros {
  policy: string;
  /** Whether the product uses it by default, for one attempt or for more. */
  default: boolean;
  complexity: string;
}

const MODELS = 8;
const WARM_UP = 3_000;
const ROUNDS = 5;

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
 * models and ten neighbours; half of the decisions follow a failed attempt. The decisions are timed in
 * `ROUNDS` rounds, all policies in turns, and each figure is the median of its rounds: a moment in which
 * something else had the core is then no property of a policy.
 * @throws AcrError ACR_CONFIG_INVALID for a name in `only` that no policy has.
 */
export function timeDecisions(memories: number, decisions: number, only?: readonly string[]): DecideTiming[] {
  const setup = syntheticSetup();
  const policies = (only ?? POLICIES.map((p) => p.name)).map((name) => trained(name, setup, memories));
  const rounds = policies.map((): Micros[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    policies.forEach((policy, i) =>
      rounds[i]?.push(timeRound(policy, setup, Math.ceil(decisions / ROUNDS), round)),
    );
  }
  const defaults = [1, 2].map((maxAttempts) => defaultPolicyName({ maxAttempts }));
  return policies.map((policy, i) => ({
    policy: policy.name,
    default: defaults.includes(policy.name),
    complexity: policy.complexity,
    p50Micros: median((rounds[i] ?? []).map((r) => r.p50Micros)),
    p99Micros: median((rounds[i] ?? []).map((r) => r.p99Micros)),
  }));
}

function trained(name: string, setup: PolicySetup, memories: number): Policy {
  const policy = createPolicy(name, setup);
  const random = seededRandom(1);
  for (let i = 0; i < memories; i += 1) policy.learn(exampleAt(i, random()));
  for (let i = 0; i < WARM_UP; i += 1) policy.decide(inputAt(i, setup), random);
  return policy;
}

function timeRound(policy: Policy, setup: PolicySetup, decisions: number, round: number): Micros {
  const random = seededRandom(round + 1);
  const micros: number[] = [];
  for (let i = 0; i < decisions; i += 1) {
    const input = inputAt(i, setup);
    micros.push(microsOf(() => policy.decide(input, random)));
  }
  return microsSummary(micros);
}

const median = (values: readonly number[]) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

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
