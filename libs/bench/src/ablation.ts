import type { Policy, PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { PreparedBenchmark, ReplayedTask, ReplayOptions } from './replay';
import { prepare, replayStream } from './replay';
import { spread } from './rows';

/** Means over the orders of one configuration. */
export interface AblationRow {
  name: string;
  cumReg: number;
  avgPerf: number;
  costUsd: number;
}

/** The source's open questions in figures. */
export interface AblationOutcome {
  /** The same one-shot policy without and with statistics per dimension. */
  information: { without: AblationRow; with: AblationRow; relativeGain: number };
  /** Full loop (K attempts, memory, prior) and what is left without each module. */
  modules: AblationRow[];
  /** The strongest model for everything, and the escalation at several cost weights. */
  strongest: AblationRow;
  frontier: AblationRow[];
  /** Cheapest configuration that scores at least as much as the strongest model, and its share of that spend. */
  atEqualScore: (AblationRow & { spendShare: number }) | null;
  /** Best configuration that costs no more than the strongest model, and its lead in points. */
  atEqualSpend: (AblationRow & { lead: number }) | null;
}

const WEIGHTS = [0.1, 1, 5, 10, 40, 160, 240];
const ATTEMPTS = [1, 2, 3, 4];

/** Runs all ablations on one benchmark; `orders` streams each. */
export function ablation(
  benchmark: Benchmark,
  setup: PolicySetup,
  orders: number,
  onProgress: (done: number, total: number) => void = () => undefined,
): AblationOutcome {
  const full = prepare(benchmark, 'mean');
  const blind = prepare(withoutDimensions(benchmark), 'mean');
  let done = 0;
  const total = 7 + WEIGHTS.length * ATTEMPTS.length;
  const run = (name: string, make: () => Policy, options: Partial<ReplayOptions>, rows = full) => {
    const row = measure(name, rows, make, { ...BASE, ...options }, orders);
    onProgress((done += 1), total);
    return row;
  };
  const cold = { ...setup, prior: null };
  const make = (name: string, from: PolicySetup) => () => createPolicy(name, from);
  const without = run('without statistics', make('vote-ensemble', cold), {}, blind);
  const withStats = run('with statistics', make('vote-ensemble', setup), {});
  const escalate = { maxAttempts: 3 };
  const modules = [
    run('full loop, 3 attempts', make('verify-escalate', setup), escalate),
    run('no memory (never learns)', () => forgetful(createPolicy('verify-escalate', setup)), escalate),
    run('no prior', make('verify-escalate', cold), escalate),
    run('no verifier (one attempt)', make('vote-ensemble', setup), { maxAttempts: 1 }),
  ];
  const strongest = run(`always ${setup.strongest}`, make('strongest', setup), {});
  const frontier = ATTEMPTS.flatMap((maxAttempts) =>
    WEIGHTS.map((costWeight) =>
      run(`up to ${maxAttempts} attempts, weight ${costWeight}`, make('verify-escalate', setup), {
        maxAttempts,
        costWeight,
      }),
    ),
  );
  return {
    information: { without, with: withStats, relativeGain: withStats.avgPerf / without.avgPerf - 1 },
    modules,
    strongest,
    frontier,
    ...headToHead(strongest, frontier),
  };
}

const BASE: ReplayOptions = {
  maxAttempts: 1,
  costWeight: 0.1,
  verifierNoise: 0,
  attemptPrice: 0,
  unknownCost: 'mean',
};

function headToHead(strongest: AblationRow, frontier: readonly AblationRow[]) {
  const enough = frontier.filter((row) => row.avgPerf >= strongest.avgPerf);
  const affordable = frontier.filter((row) => row.costUsd <= strongest.costUsd);
  const cheapest = enough.reduce<AblationRow | null>((a, b) => (a && a.costUsd <= b.costUsd ? a : b), null);
  const best = affordable.reduce<AblationRow | null>((a, b) => (a && a.avgPerf >= b.avgPerf ? a : b), null);
  return {
    atEqualScore: cheapest && { ...cheapest, spendShare: cheapest.costUsd / strongest.costUsd },
    atEqualSpend: best && { ...best, lead: best.avgPerf - strongest.avgPerf },
  };
}

/** All tasks as one kind: what a router knows that keeps no statistics per dimension. */
function withoutDimensions(benchmark: Benchmark): Benchmark {
  return {
    ...benchmark,
    tasks: benchmark.tasks.map((task) => ({
      ...task,
      context: {
        dimension: 'code_generation',
        language: 'unknown',
        source: null,
        difficulty: null,
        features: null,
      },
    })),
  };
}

function forgetful(policy: Policy): Policy {
  return { ...policy, learn: () => undefined };
}

function measure(
  name: string,
  prepared: PreparedBenchmark,
  make: () => Policy,
  options: ReplayOptions,
  orders: number,
): AblationRow {
  const streams = Array.from({ length: orders }, (_, i) => replayStream(prepared, make(), options, i + 1));
  const mean = (pick: (task: ReplayedTask) => number) =>
    spread(streams.map((tasks) => tasks.reduce((sum, task) => sum + pick(task), 0))).mean;
  return {
    name,
    cumReg: mean((task) => task.regret),
    avgPerf: (100 * mean((task) => task.score)) / prepared.benchmark.tasks.length,
    costUsd: mean((task) => task.attempts.reduce((sum, attempt) => sum + (attempt.costUsd ?? 0), 0)),
  };
}
