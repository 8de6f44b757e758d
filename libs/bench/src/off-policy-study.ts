import type {
  FirstDecision,
  OffPolicyOutcome,
  OutcomeEstimates,
} from '@acrouter/domain/routing/off-policy-log';
import { OffPolicyLog } from '@acrouter/domain/routing/off-policy-log';
import type { Decision, Neighbour, Policy, PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { PreparedBenchmark, ReplayedTask, ReplayOptions } from './replay';
import { prepare, replayStream } from './replay';

const ESTIMATORS = ['ips', 'snips', 'doublyRobust'] as const;
const STUDIED = ['firstScore', 'firstCostUsd'] as const satisfies readonly OffPolicyOutcome[];

/** How often each estimator's 95 % interval held the truth, for one outcome at one exploration. */
export interface CoverageRow {
  exploration: number;
  outcome: (typeof STUDIED)[number];
  /** True mean outcome of always using `against` on these rows. */
  truth: number;
  /** Mean effective samples of a log. */
  effectiveSamples: number;
  /** Logs whose estimates come with an interval; the others have too few effective samples. */
  withInterval: number;
  /** Share of the logs with an interval whose interval holds the truth; `null` without any. */
  covered: Record<(typeof ESTIMATORS)[number], number | null>;
  /** Mean half-width of the intervals. */
  halfWidth: Record<(typeof ESTIMATORS)[number], number | null>;
}

/** A coverage study. */
export interface CoverageOutcome {
  policy: string;
  against: string;
  repetitions: number;
  rows: CoverageRow[];
}

/** What is studied. */
export interface CoverageRequest {
  /** Policy whose decisions are logged. */
  policy: string;
  /** Model that the other policy uses for everything. */
  against: string;
  options: ReplayOptions;
  explorations: readonly number[];
  /** Logs per exploration. */
  repetitions: number;
  onProgress?: (done: number, total: number) => void;
}

/**
 * Replays a policy with exploration, logs its probabilities as the product does, and estimates from that log alone
 * what always using `against` would have scored and cost on first attempts; the rows know the truth.
 */
export function coverageStudy(
  benchmark: Benchmark,
  setup: PolicySetup,
  request: CoverageRequest,
): CoverageOutcome {
  const { explorations, repetitions, policy, against } = request;
  const prepared = prepare(benchmark, request.options.unknownCost);
  let done = 0;
  const rows = explorations.flatMap((exploration) => {
    const tallies = STUDIED.map(
      (outcome) => new Tally(exploration, outcome, truthOf(benchmark, against, outcome)),
    );
    for (let seed = 1; seed <= repetitions; seed += 1) {
      const { outcomes } = logged(prepared, { ...setup, exploration }, request, seed).result();
      for (const tally of tallies) tally.add(outcomes[tally.outcome]);
      request.onProgress?.((done += 1), explorations.length * repetitions);
    }
    return tallies.map((tally) => tally.row());
  });
  return { policy, against, repetitions, rows };
}

/** One log of a replayed stream, read by the estimators. */
function logged(
  prepared: PreparedBenchmark,
  setup: PolicySetup,
  { policy, against, options }: CoverageRequest,
  seed: number,
): OffPolicyLog {
  const log = new OffPolicyLog(against);
  const firsts: First[] = [];
  const tasks = replayStream(prepared, watched(createPolicy(policy, setup), firsts), options, seed);
  tasks.forEach((task, i) => {
    const first = firsts[i];
    if (first) log.add(firstDecisionOf(prepared, task, first, options));
  });
  return log;
}

type First = { decision: Decision; neighbours: readonly Neighbour[] };

/** The same policy; the first decision on each task is kept in `firsts`. */
function watched(policy: Policy, firsts: First[]): Policy {
  return {
    name: policy.name,
    version: policy.version,
    complexity: policy.complexity,
    learn: (example) => policy.learn(example),
    decide(input, random) {
      const decision = policy.decide(input, random);
      if (input.tried.length === 0) firsts.push({ decision, neighbours: input.neighbours });
      return decision;
    },
  };
}

function firstDecisionOf(
  { benchmark }: PreparedBenchmark,
  task: ReplayedTask,
  { decision, neighbours }: First,
  options: ReplayOptions,
): FirstDecision {
  const row = benchmark.tasks[task.task];
  if (!row || decision.action !== 'attempt') throw new Error('A replayed task without a first attempt');
  return {
    taskId: row.id,
    context: row.context,
    neighbours,
    candidates: decision.candidates,
    model: decision.model,
    probability: decision.probability,
    attemptsLeft: options.maxAttempts,
    budgetLeftUsd: null,
    costWeight: options.costWeight,
    attempts: task.attempts.map((a) => ({
      model: benchmark.models[a.model]?.id ?? '',
      score: a.observed,
      costUsd: a.costUsd,
    })),
    taskScore: task.score,
    taskCostUsd: null,
  };
}

/** Mean outcome of a model over the rows on which it is known. */
function truthOf(benchmark: Benchmark, model: string, outcome: CoverageRow['outcome']): number {
  const m = benchmark.models.findIndex((candidate) => candidate.id === model);
  const values = benchmark.tasks.flatMap((task) => {
    const cell = task.cells[m];
    return (outcome === 'firstScore' ? cell?.score : cell?.costUsd) ?? [];
  });
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}

/** Counts of one row of the study. */
class Tally {
  private logs = 0;
  private effective = 0;
  private withInterval = 0;
  private readonly covered = { ips: 0, snips: 0, doublyRobust: 0 };
  private readonly width = { ips: 0, snips: 0, doublyRobust: 0 };

  constructor(
    private readonly exploration: number,
    readonly outcome: CoverageRow['outcome'],
    private readonly truth: number,
  ) {}

  add(estimates: OutcomeEstimates): void {
    this.logs += 1;
    this.effective += estimates.effectiveSamples;
    if (estimates.ips.low !== null) this.withInterval += 1;
    for (const key of ESTIMATORS) {
      const { low, high } = estimates[key];
      if (low === null || high === null) continue;
      if (low <= this.truth && this.truth <= high) this.covered[key] += 1;
      this.width[key] += (high - low) / 2;
    }
  }

  row(): CoverageRow {
    const share = (sums: Record<(typeof ESTIMATORS)[number], number>) =>
      Object.fromEntries(
        ESTIMATORS.map((key) => [key, this.withInterval === 0 ? null : sums[key] / this.withInterval]),
      ) as CoverageRow['covered'];
    return {
      exploration: this.exploration,
      outcome: this.outcome,
      truth: this.truth,
      effectiveSamples: this.effective / Math.max(this.logs, 1),
      withInterval: this.withInterval,
      covered: share(this.covered),
      halfWidth: share(this.width),
    };
  }
}
