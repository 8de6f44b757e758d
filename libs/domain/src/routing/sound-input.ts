import type { Candidate, DecisionInput, LearningExample, Neighbour, Policy } from './policy';

const usdOrNull = (usd: number | null): number | null =>
  usd !== null && usd >= 0 && usd <= MAX_USD ? usd : null;

/** Above this a cost is a mistake, not a price; it counts as unknown. */
const MAX_USD = 1e6;
const MAX_WEIGHT = 1e9;

const unit = (score: number) => Math.min(Math.max(score, 0), 1);

const isCleanCandidate = (c: Candidate) => c.predictedCostUsd === usdOrNull(c.predictedCostUsd);
const isCleanNeighbour = (n: Neighbour) =>
  n.score >= 0 && n.score <= 1 && n.similarity > 0 && n.similarity <= 1;

function nonNegative(value: number, most: number): number {
  return value >= 0 ? Math.min(value, most) : 0;
}

/** Features without a single number that is not finite, or `null`. */
function features(values: Float32Array | null): Float32Array | null {
  if (values === null) return null;
  for (const value of values) if (!Number.isFinite(value)) return null;
  return values;
}

/** The input with impossible numbers replaced: costs by "unknown", the rest by the nearest possible value. */
export function soundInput(input: DecisionInput): DecisionInput {
  const { context } = input;
  const clean = features(context.features);
  return {
    ...input,
    context: clean === context.features ? context : { ...context, features: clean },
    candidates: input.candidates.every(isCleanCandidate)
      ? input.candidates
      : input.candidates.map((c) => ({ ...c, predictedCostUsd: usdOrNull(c.predictedCostUsd) })),
    neighbours: input.neighbours.every(isCleanNeighbour)
      ? input.neighbours
      : input.neighbours.filter(isCleanNeighbour),
    tried: input.tried.map((t) => ({ ...t, score: Number.isFinite(t.score) ? unit(t.score) : 0 })),
    costWeight: nonNegative(input.costWeight, MAX_WEIGHT),
    attemptPrice: nonNegative(input.attemptPrice, MAX_WEIGHT),
    verifierNoise: nonNegative(input.verifierNoise, 0.49),
  };
}

/** The example with its score clipped to [0, 1]; `null` when it has no score to learn from. */
export function soundExample(example: LearningExample): LearningExample | null {
  if (!Number.isFinite(example.score)) return null;
  const clean = features(example.context.features);
  return {
    ...example,
    context: clean === example.context.features ? example.context : { ...example.context, features: clean },
    score: unit(example.score),
    costUsd: usdOrNull(example.costUsd),
    neighbours: example.neighbours.every(isCleanNeighbour)
      ? example.neighbours
      : example.neighbours.filter(isCleanNeighbour),
  };
}

/** A policy that is handed sound inputs and examples only. */
export function withSoundInput(policy: Policy): Policy {
  return {
    name: policy.name,
    version: policy.version,
    complexity: policy.complexity,
    decide: (input, random) => policy.decide(soundInput(input), random),
    learn: (example) => {
      const sound = soundExample(example);
      if (sound) policy.learn(sound);
    },
    ...(policy.question
      ? { question: (input, prompt) => policy.question?.(soundInput(input), prompt) ?? null }
      : {}),
  };
}
