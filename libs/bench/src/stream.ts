import { createPolicy } from '@acrouter/domain/routing/registry';
import type { PolicySetup } from '@acrouter/domain/routing/policy';
import type { BenchmarkTask } from './benchmark';
import { coverageOf, watchWishes } from './export-coverage';
import type { PreparedBenchmark, ReplayedTask, ReplayOptions } from './replay';
import { replayStream, settle } from './replay';
import { shuffled } from '@acrouter/domain/seeded-random';

/** One stream to run: a policy (or recorded decisions) over all tasks in one order. */
export interface StreamJob {
  policy: string;
  /** Number of the shuffled order, from 1; also the seed. */
  order: number;
  options: ReplayOptions;
}

/** Points of the regret curve kept per stream. */
const CURVE_POINTS = 120;
/** Slices of the stream in which shares per model are counted. */
const SHARE_SLICES = 24;

/** What is kept of one stream. */
export interface StreamResult extends StreamJob {
  regret: number;
  /** Mean true score of the answers, in percent. */
  avgPerf: number;
  /** Sum of the known costs. */
  costUsd: number;
  /** The same, and unknown costs as they count in regret: what score per dollar divides by. */
  chargedUsd: number;
  /** Attempts whose cost is unknown; they are in no dollar sum. */
  unknownCostAttempts: number;
  attempts: number;
  tasks: number;
  /** Decision times in µs, sorted, thinned to at most 1,000. Empty for recorded decisions. */
  micros: number[];
  /** Cumulative regret at CURVE_POINTS evenly spaced places. */
  curve: number[];
  /** shares[slice][model]: share of first attempts. */
  shares: number[][];
  /**
   * Of the models that the policy would have tried first had all been on offer, the share with a result; `null`
   * where every model has a result on every task, and for recorded decisions.
   */
  recordedShare: number | null;
}

/** Runs one stream. `keep` also returns every task, for the decisions file. */
export function runStream(
  prepared: PreparedBenchmark,
  setup: PolicySetup,
  job: StreamJob,
): { result: StreamResult; tasks: ReplayedTask[] } {
  const micros: number[] = [];
  const bare = createPolicy(job.policy, setup);
  const watched = coverageOf(prepared.benchmark).complete ? null : watchWishes(bare);
  const tasks = replayStream(prepared, watched?.policy ?? bare, job.options, job.order, (decide) => {
    const start = process.hrtime.bigint();
    const decision = decide();
    micros.push(Number(process.hrtime.bigint() - start) / 1_000);
    return decision;
  });
  const recordedShare = watched?.recordedShare() ?? null;
  return { result: { ...summarise(prepared, job, tasks, micros), recordedShare }, tasks };
}

/** Settles recorded decisions on the same rows as they were made, shown in the first order; no order changes their sum. */
export function runRecorded(
  prepared: PreparedBenchmark,
  name: string,
  options: ReplayOptions,
): { result: StreamResult; tasks: ReplayedTask[] } {
  const { benchmark } = prepared;
  const recorded = benchmark.recorded.find((r) => r.name === name);
  const tasks = shuffled(benchmark.tasks.length, 1).flatMap((index) => {
    const task = benchmark.tasks[index] as BenchmarkTask;
    const chain = recorded?.byTask.get(task.id);
    const attempts = chain?.map((m) => attemptOf(prepared, task, m));
    return attempts ? [settle(prepared, index, attempts, options.costWeight)] : [];
  });
  return { result: summarise(prepared, { policy: name, order: 1, options }, tasks, []), tasks };
}

function attemptOf(prepared: PreparedBenchmark, task: BenchmarkTask, id: string) {
  const model = prepared.benchmark.models.findIndex((m) => m.id === id);
  const cell = task.cells[model];
  if (!cell) throw new Error(`A recorded decision chose ${id} for ${task.id}, which has no result there`);
  return { model, score: cell.score, observed: cell.score, costUsd: cell.costUsd, probability: 1 };
}

function summarise(
  prepared: PreparedBenchmark,
  job: StreamJob,
  tasks: readonly ReplayedTask[],
  micros: number[],
): StreamResult {
  const attempts = tasks.flatMap((task) => task.attempts);
  const charged = (task: ReplayedTask) =>
    sum(task.attempts.map((attempt) => prepared.chargedUsd[task.task]?.[attempt.model] ?? 0));
  return {
    ...job,
    regret: sum(tasks.map((task) => task.regret)),
    avgPerf: (100 * sum(tasks.map((task) => task.score))) / Math.max(tasks.length, 1),
    costUsd: sum(attempts.map((attempt) => attempt.costUsd ?? 0)),
    chargedUsd: sum(tasks.map(charged)),
    unknownCostAttempts: attempts.filter((attempt) => attempt.costUsd === null).length,
    attempts: attempts.length,
    tasks: tasks.length,
    micros: thinned(micros),
    curve: curveOf(tasks),
    shares: sharesOf(tasks, prepared.benchmark.models.length),
    recordedShare: null,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function thinned(micros: number[]): number[] {
  const sorted = micros.sort((a, b) => a - b);
  const keep = Math.min(sorted.length, 1_000);
  return Array.from({ length: keep }, (_, i) => {
    const at = keep === 1 ? 0 : Math.round((i * (sorted.length - 1)) / (keep - 1));
    return Math.round((sorted[at] ?? 0) * 100) / 100;
  });
}

function curveOf(tasks: readonly ReplayedTask[]): number[] {
  const points: number[] = [];
  let regret = 0;
  tasks.forEach((task, i) => {
    regret += task.regret;
    while (points.length < CURVE_POINTS && (points.length + 1) * tasks.length <= (i + 1) * CURVE_POINTS) {
      points.push(regret);
    }
  });
  return points;
}

function sharesOf(tasks: readonly ReplayedTask[], models: number): number[][] {
  const counts = Array.from({ length: SHARE_SLICES }, () => new Array<number>(models).fill(0));
  tasks.forEach((task, i) => {
    const slice = counts[Math.floor((i * SHARE_SLICES) / tasks.length)];
    const first = task.attempts[0];
    if (slice && first) slice[first.model] = (slice[first.model] ?? 0) + 1;
  });
  return counts.map((slice) => {
    const total = Math.max(sum(slice), 1);
    return slice.map((count) => count / total);
  });
}
