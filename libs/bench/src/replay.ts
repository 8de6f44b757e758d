import { SOLVED_SCORE } from '@acrouter/domain/routing/choose';
import type {
  Candidate,
  Decision,
  DecisionInput,
  LearningExample,
  Policy,
  Random,
  Tried,
} from '@acrouter/domain/routing/policy';
import type { Benchmark, BenchmarkTask } from './benchmark';
import { imputedCosts } from './benchmark';
import { ReplayMemory } from './replay-memory';
import { hash32, seededRandom, shuffled } from '@acrouter/domain/seeded-random';

/** How a stream is run. */
export interface ReplayOptions {
  /** Attempts per task, ≥ 1. */
  maxAttempts: number;
  /** Score points per USD. */
  costWeight: number;
  /** Share of verdicts that are flipped, in [0, 0.5). */
  verifierNoise: number;
  /** Score points per attempt; default 0. */
  attemptPrice: number;
  /** `mean` (default): unknown costs count like the model's mean known cost in regret. `zero`: as the paper did. */
  unknownCost: 'mean' | 'zero';
}

/** One attempt of a replayed task. `costUsd` null = unknown. */
export interface ReplayedAttempt {
  model: number;
  /** True score and the score the (perhaps noisy) verifier showed. */
  score: number;
  observed: number;
  costUsd: number | null;
  probability: number;
}

/** What happened to one task of a stream. */
export interface ReplayedTask {
  task: number;
  attempts: ReplayedAttempt[];
  /** True score of the answer given: the attempt with the best observed score, the first one of equals. */
  score: number;
  /** Reward of the best single model minus the reward earned. */
  regret: number;
}

/** Rows of a benchmark as numbers, computed once and used by all streams. */
export interface PreparedBenchmark {
  benchmark: Benchmark;
  /** chargedUsd[task][model]: known cost, or what an unknown one counts in regret. */
  chargedUsd: Float64Array[];
}

/** Prepares a benchmark for `replayStream`. */
export function prepare(benchmark: Benchmark, unknownCost: 'mean' | 'zero'): PreparedBenchmark {
  const chargedUsd =
    unknownCost === 'mean'
      ? imputedCosts(benchmark)
      : benchmark.tasks.map((task) => Float64Array.from(task.cells, (cell) => cell?.costUsd ?? 0));
  return { benchmark, chargedUsd };
}

/** Reward of the best single model: max over models of score − weight · USD. source: arXiv 2606.22902, §3.2. */
export function oracleReward(prepared: PreparedBenchmark, task: number, costWeight: number): number {
  let best = -Infinity;
  prepared.benchmark.tasks[task]?.cells.forEach((cell, m) => {
    if (cell) best = Math.max(best, cell.score - costWeight * (prepared.chargedUsd[task]?.[m] ?? 0));
  });
  return best;
}

/** Called around each decision, so that the caller may time it. */
export type Timed = (decide: () => Decision) => Decision;

/**
 * Streams all tasks once through a policy, in the order of `seed`: recall, decide, look the result up,
 * learn, until the task is solved, the policy stops or `maxAttempts` is reached. The policy sees the
 * chosen models' results only. Equal arguments give equal results.
 */
export function replayStream(
  prepared: PreparedBenchmark,
  policy: Policy,
  options: ReplayOptions,
  seed: number,
  timed: Timed = (decide) => decide(),
): ReplayedTask[] {
  const order = shuffled(prepared.benchmark.tasks.length, seed);
  return replayStretches([{ prepared, order }], policy, options, seed, timed);
}

/** Streams several stretches one after the other; rows (not tasks) may differ between them. */
export function replayStretches(
  stretches: readonly { prepared: PreparedBenchmark; order: readonly number[] }[],
  policy: Policy,
  options: ReplayOptions,
  seed: number,
  timed: Timed = (decide) => decide(),
): ReplayedTask[] {
  const memory = new ReplayMemory();
  const random = seededRandom(hash32(`decide:${seed}`));
  try {
    return stretches.flatMap(({ prepared, order }) =>
      order.map((task) => replayTask({ prepared, policy, options, seed, memory, random, timed }, task)),
    );
  } finally {
    memory.close();
  }
}

interface Stream {
  prepared: PreparedBenchmark;
  policy: Policy;
  options: ReplayOptions;
  seed: number;
  memory: ReplayMemory;
  random: Random;
  timed: Timed;
}

function replayTask(stream: Stream, index: number): ReplayedTask {
  const { prepared, policy, options, memory, random } = stream;
  const task = prepared.benchmark.tasks[index] as BenchmarkTask;
  const attempts: ReplayedAttempt[] = [];
  while (attempts.length < options.maxAttempts) {
    const neighbours = memory.recall(task.id, task.context);
    const input = inputOf(stream, task, attempts, neighbours);
    const decision = stream.timed(() => policy.decide(input, random));
    if (decision.action === 'stop') break;
    const attempt = attemptOf(stream, index, decision.model, decision.probability);
    attempts.push(attempt);
    const example: LearningExample = {
      taskId: task.id,
      context: task.context,
      model: decision.model,
      score: attempt.observed,
      costUsd: attempt.costUsd,
      neighbours,
      verifierNoise: options.verifierNoise,
    };
    policy.learn(example);
    memory.add(example);
    if (attempt.observed >= SOLVED_SCORE) break;
  }
  return settle(prepared, index, attempts, options.costWeight);
}

/** The result of a model on a task, its verdict perhaps flipped; the flip depends on task, model and seed only. */
function attemptOf(stream: Stream, index: number, model: string, probability: number): ReplayedAttempt {
  const { benchmark } = stream.prepared;
  const task = benchmark.tasks[index] as BenchmarkTask;
  const m = benchmark.models.findIndex((candidate) => candidate.id === model);
  const cell = task.cells[m];
  if (!cell) throw new Error(`${model} has no result on ${task.id}; it must not be chosen`);
  const noise = stream.options.verifierNoise;
  const flipped = noise > 0 && seededRandom(hash32(`${stream.seed}:${task.id}:${model}`))() < noise;
  const verdict = cell.score >= SOLVED_SCORE ? 0 : 1;
  return {
    model: m,
    score: cell.score,
    observed: flipped ? verdict : cell.score,
    costUsd: cell.costUsd,
    probability,
  };
}

/** Score, regret and attempts of a task whose attempts are known. */
export function settle(
  prepared: PreparedBenchmark,
  index: number,
  attempts: ReplayedAttempt[],
  costWeight: number,
): ReplayedTask {
  let answer: ReplayedAttempt | null = null;
  let usd = 0;
  for (const attempt of attempts) {
    if (answer === null || attempt.observed > answer.observed) answer = attempt;
    usd += prepared.chargedUsd[index]?.[attempt.model] ?? 0;
  }
  const score = answer?.score ?? 0;
  return {
    task: index,
    attempts,
    score,
    regret: oracleReward(prepared, index, costWeight) - (score - costWeight * usd),
  };
}

function inputOf(
  stream: Stream,
  task: BenchmarkTask,
  attempts: readonly ReplayedAttempt[],
  neighbours: DecisionInput['neighbours'],
): DecisionInput {
  const { models } = stream.prepared.benchmark;
  const { options } = stream;
  return {
    context: task.context,
    neighbours,
    candidates: models.map((model, m): Candidate => ({
      model: model.id,
      predictedCostUsd: null,
      available: task.cells[m] !== null,
    })),
    tried: attempts.map((a): Tried => ({
      model: models[a.model]?.id ?? '',
      score: a.observed,
      costUsd: a.costUsd,
    })),
    attemptsLeft: options.maxAttempts - attempts.length,
    budgetLeftUsd: null,
    costWeight: options.costWeight,
    attemptPrice: options.attemptPrice,
    verifierNoise: options.verifierNoise,
  };
}
