import type { StreamResult } from './stream';

/** Mean and sample standard deviation. */
export interface Spread {
  mean: number;
  sd: number;
}

/** One line of a replay's table, and of its JSON. */
export interface ReplayRow {
  policy: string;
  /** Whether the product itself would use this policy in this setting. */
  default: boolean;
  prior: string;
  maxAttempts: number;
  costWeight: number;
  verifierNoise: number;
  /** Cumulative regret against the best single model of each task, in score points. */
  cumReg: Spread;
  /** Mean score in percent. */
  avgPerf: number;
  /** Mean over the orders of the sum of the known costs; `null` when not one attempt has a known cost. */
  costUsd: number | null;
  /** avgPerf / USD, unknown costs as in regret; `null` when nothing was spent, or nothing is known of it. */
  perfPerUsd: number | null;
  attemptsPerTask: number;
  /** Time of one decision; `null` for recorded decisions. */
  decisionMicros: { p50: number; p99: number } | null;
  /** Attempts of unknown cost, mean per order: in regret at the model's mean cost, in no dollar sum. */
  unknownCostAttempts: number;
  /** Tasks behind the figures: all, but of recorded decisions only those that they decide. */
  tasks: number;
  /**
   * Recorded decisions only: share of the tasks that they decide, when it is not all. Sums over other tasks are no
   * comparison, so these rows come last.
   */
  coveredShare?: number;
  orders: number;
  /**
   * Partial data only: how often the model that the policy would have tried first has a result; where it has none the
   * policy was offered the others. `null` for recorded decisions; absent for complete data.
   */
  recordedShare?: number | null;
}

/** Mean and sample standard deviation of numbers; 0 deviation for fewer than two. */
export function spread(values: readonly number[]): Spread {
  const n = Math.max(values.length, 1);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/**
 * Folds the streams of one policy into a row. `streams` must not be empty.
 * @param about `allTasks`: how many tasks there are to decide
 */
export function rowOf(
  streams: readonly StreamResult[],
  about: { isDefault: boolean; prior: string; allTasks: number },
): ReplayRow {
  const { isDefault, prior, allTasks } = about;
  const first = streams[0] as StreamResult;
  const mean = (pick: (stream: StreamResult) => number) => spread(streams.map(pick)).mean;
  const isUnknown = streams.every((s) => s.attempts > 0 && s.unknownCostAttempts === s.attempts);
  const chargedUsd = mean((s) => s.chargedUsd);
  const avgPerf = mean((s) => s.avgPerf);
  const micros = streams.flatMap((s) => s.micros).sort((a, b) => a - b);
  return {
    policy: first.policy,
    default: isDefault,
    prior,
    maxAttempts: first.options.maxAttempts,
    costWeight: first.options.costWeight,
    verifierNoise: first.options.verifierNoise,
    cumReg: roundSpread(spread(streams.map((s) => s.regret))),
    avgPerf: round(avgPerf, 3),
    costUsd: isUnknown
      ? null
      : round(
          mean((s) => s.costUsd),
          4,
        ),
    perfPerUsd: !isUnknown && chargedUsd > 0 ? round(avgPerf / chargedUsd, 3) : null,
    attemptsPerTask: round(
      mean((s) => s.attempts / Math.max(s.tasks, 1)),
      3,
    ),
    decisionMicros: micros.length === 0 ? null : { p50: quantile(micros, 0.5), p99: quantile(micros, 0.99) },
    unknownCostAttempts: round(
      mean((s) => s.unknownCostAttempts),
      2,
    ),
    tasks: first.tasks,
    ...(first.tasks < allTasks ? { coveredShare: round(first.tasks / allTasks, 4) } : {}),
    orders: streams.length,
    ...(streams.some((s) => typeof s.recordedShare === 'number')
      ? {
          recordedShare: round(
            mean((s) => s.recordedShare ?? 0),
            3,
          ),
        }
      : {}),
  };
}

/** Rows in the order of a table: by regret; those that cover fewer tasks last, the fuller ones first. */
export function ranked(rows: readonly ReplayRow[]): ReplayRow[] {
  const covered = (row: ReplayRow) => row.coveredShare ?? 1;
  return rows.toSorted((a, b) => covered(b) - covered(a) || a.cumReg.mean - b.cumReg.mean);
}

/** Value at share `q` of sorted numbers. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)] ?? 0;
}

const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
const roundSpread = ({ mean, sd }: Spread): Spread => ({ mean: round(mean, 3), sd: round(sd, 3) });
