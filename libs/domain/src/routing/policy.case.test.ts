import { describe, expect, test } from '@jest/globals';
import { DIMENSIONS } from '../task';
import type { Candidate, DecisionInput, LearningExample, Policy, PolicySetup } from './policy';
import { PUBLISHED_PRIOR } from './published-prior';
import { createPolicy, POLICIES } from './registry';

/** Every policy of the registry must pass these; a new one is tested by being registered. */

const MODELS = ['claude-opus-4-6', 'gpt-5.4', 'glm-5', 'kimi-k2.5'];

function setup(overrides: Partial<PolicySetup> = {}): PolicySetup {
  return {
    models: MODELS.map((id, i) => ({
      id,
      simulated: false,
      price: { inputPerMillion: 4 - i, outputPerMillion: 20 - 4 * i },
    })),
    prior: PUBLISHED_PRIOR,
    strongest: 'claude-opus-4-6',
    ...overrides,
  };
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const candidate = (model: string, more: Partial<Candidate> = {}): Candidate => ({
  model,
  predictedCostUsd: 0.01,
  available: true,
  ...more,
});

function input(overrides: Partial<DecisionInput> = {}): DecisionInput {
  return {
    context: { dimension: 'algorithm', language: 'python', source: 'lcb', difficulty: null, features: null },
    neighbours: [],
    candidates: MODELS.map((model) => candidate(model)),
    tried: [],
    attemptsLeft: 3,
    budgetLeftUsd: null,
    costWeight: 0.1,
    attemptPrice: 0,
    verifierNoise: 0,
    ...overrides,
  };
}

function examples(count: number): LearningExample[] {
  const draw = random(7);
  return Array.from({ length: count }, (_, i) => ({
    taskId: `t${Math.floor(i / 2)}`,
    context: {
      ...input().context,
      dimension: DIMENSIONS[Math.floor(draw() * DIMENSIONS.length)] ?? 'algorithm',
      features: draw() < 0.5 ? Float32Array.from({ length: 8 }, () => draw() - 0.5) : null,
    },
    model: MODELS[Math.floor(draw() * MODELS.length)] ?? 'glm-5',
    score: draw() < 0.3 ? draw() : Math.round(draw()),
    costUsd: draw() < 0.2 ? null : draw() / 50,
    neighbours: [],
  }));
}

const hostile: LearningExample[] = [
  { ...(examples(1)[0] as LearningExample), score: Number.NaN },
  { ...(examples(1)[0] as LearningExample), score: Infinity, costUsd: Number.NaN },
  { ...(examples(1)[0] as LearningExample), score: -5, costUsd: -1 },
  { ...(examples(1)[0] as LearningExample), score: 1e300, costUsd: Infinity },
  { ...(examples(1)[0] as LearningExample), model: 'never heard of it' },
];

/** Inputs at the edges of what may come in. */
const EXTREMES: Record<string, Partial<DecisionInput>> = {
  'zero weight': { costWeight: 0 },
  'huge weight': { costWeight: 1e9 },
  'unknown costs': { candidates: MODELS.map((m) => candidate(m, { predictedCostUsd: null })) },
  'absurd costs': {
    candidates: MODELS.map((m, i) => candidate(m, { predictedCostUsd: [0, NaN, 1e300, -3][i] ?? 0 })),
  },
  'one model': { candidates: [candidate('glm-5')] },
  'unknown models': {
    candidates: [candidate('a'), candidate('b', { predictedCostUsd: null }), candidate('glm-5')],
  },
  'one attempt left': { attemptsLeft: 1 },
  'many attempts left': { attemptsLeft: 1_000 },
  'noisy verifier': { verifierNoise: 0.49, tried: [{ model: 'glm-5', score: 0, costUsd: null }] },
  'partial score': { tried: [{ model: 'glm-5', score: 0.999, costUsd: 0.1 }] },
  'unknown model tried': { tried: [{ model: 'retired', score: 0.2, costUsd: null }] },
  'no source, features': {
    context: {
      dimension: 'bug_fixing',
      language: '',
      source: null,
      difficulty: null,
      features: new Float32Array([NaN, 1, -1]),
    },
  },
  'odd neighbours': {
    neighbours: [
      { taskId: 'x', model: 'glm-5', score: NaN, costUsd: null, similarity: 1 },
      { taskId: 'y', model: 'gone', score: 1, costUsd: 0, similarity: 0.9 },
      { taskId: 'z', model: 'gpt-5.4', score: 1, costUsd: 0, similarity: NaN },
    ],
  },
};

/** What is wrong with a decision; collected, because an `expect` per number would take most of the time. */
function problemsOf(policy: Policy, given: DecisionInput, seed: number): string[] {
  const decision = policy.decide(given, random(seed));
  const problems: string[] = [];
  const check = (isFine: boolean, problem: string) => {
    if (!isFine) problems.push(`${problem}: ${JSON.stringify(decision)}`);
  };
  const tried = given.tried.map((t) => t.model);
  let total = 0;
  decision.candidates.forEach((view, i) => {
    const numbers = [view.predictedScore, view.probability, ...Object.values(view.votes)];
    check(numbers.every(Number.isFinite), 'a number is not finite');
    check(view.model === given.candidates[i]?.model, 'candidates changed');
    check(view.probability === 0 || (view.available && !tried.includes(view.model)), 'forbidden model');
    total += view.probability;
  });
  check(Math.abs(total - (decision.action === 'stop' ? 0 : 1)) < 1e-9, 'probabilities do not sum to 1');
  if (decision.action === 'stop') return problems;
  const view = decision.candidates.find((c) => c.model === decision.model);
  check(view?.probability === decision.probability && decision.probability > 0, 'probability not noted');
  return problems;
}

const expectSound = (policy: Policy, given: DecisionInput, seed: number) =>
  expect(problemsOf(policy, given, seed)).toEqual([]);

const SETUPS: Record<string, PolicySetup> = {
  'with prior': setup(),
  cold: setup({ prior: null }),
  'with chain': setup({ chain: ['glm-5', 'gpt-5.4'] }),
  'without models': setup({ models: [], strongest: '' }),
};

describe.each([...POLICIES.map((p) => p.name), 'always:glm-5'])('%s', (name) => {
  test('says what it costs, and its own name', () => {
    const policy = createPolicy(name, setup());
    expect(policy.name).toBe(name);
    expect(policy.complexity).toMatch(/^O\(/);
  });

  test.each(Object.keys(SETUPS))('decides soundly on every extreme, before and after learning, %s', (key) => {
    const policy = createPolicy(name, SETUPS[key] as PolicySetup);
    for (const round of [1, 2, 3]) {
      for (const extreme of Object.values(EXTREMES)) expectSound(policy, input(extreme), round);
      for (const example of [...examples(60), ...hostile]) policy.learn(example);
    }
  });

  test('is a pure function of what it learnt, the input and the random numbers', () => {
    const [a, b] = [createPolicy(name, setup()), createPolicy(name, setup())];
    for (const example of examples(80)) {
      a.learn(example);
      a.decide(input(), random(3)); // deciding leaves no trace
      b.learn(example);
    }
    for (const seed of [1, 2, 3, 4, 5]) {
      const given = input({
        neighbours: [{ taskId: 'n', model: 'glm-5', score: 1, costUsd: 0, similarity: 0.8 }],
      });
      expect(a.decide(given, random(seed))).toEqual(b.decide(given, random(seed)));
    }
  });

  test('never takes a model that is unavailable or was tried', () => {
    const policy = createPolicy(name, setup({ exploration: 0.5 }));
    const given = input({
      candidates: MODELS.map((m) => candidate(m, { available: m !== 'claude-opus-4-6' })),
      tried: [{ model: 'glm-5', score: 0, costUsd: 0.001 }],
    });
    for (let seed = 0; seed < 50; seed += 1) expectSound(policy, given, seed);
  });

  test('stops when it must', () => {
    const policy = createPolicy(name, setup());
    const none = MODELS.map((m) => candidate(m, { available: false }));
    const all = MODELS.map((model) => ({ model, score: 0, costUsd: 0.1 }));
    const halts: Partial<DecisionInput>[] = [
      { candidates: [] },
      { candidates: none },
      { tried: all },
      { attemptsLeft: 0 },
      { budgetLeftUsd: 0 },
      { tried: [{ model: 'retired', score: 1, costUsd: 0.1 }] },
    ];
    for (const halt of halts) {
      const decision = policy.decide(input(halt), random(1));
      expect(decision.action).toBe('stop');
      expect(decision.reason).not.toBe('');
    }
  });

  test('with exploration on, every model that may be taken has a known chance', () => {
    const policy = createPolicy(name, setup({ exploration: 0.2 }));
    const decision = policy.decide(input(), random(1));
    const floors = name === 'fixed-chain' ? 0.05 : 0.2 / MODELS.length;
    for (const view of decision.candidates) expect(view.probability).toBeGreaterThanOrEqual(floors - 1e-12);
  });
});
