/** Processor time in ms since the start of each process, by role. */
export type CpuTimes = Readonly<Record<string, number>>;

/** One round of the loop or of the bare pipeline. */
export interface Round {
  tasks: number;
  seconds: number;
  /** Processor time spent per task, ms, by role (`memory`, `postgres`, `redis`, …). */
  cpuMsPerTask: Record<string, number>;
}

/** p50 and p99 of one hop, ms; `databaseMs` is the mean time per message that its service waited for Postgres. */
export interface HopFigures {
  hop: string;
  waitP50: number;
  waitP99: number;
  workP50: number;
  workP99: number;
}

/** Tasks per second of a round. */
export const rateOf = (round: Round): number => round.tasks / round.seconds;

/** Middle value; the mean of the two middle ones of an even number. NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}

/**
 * How the loop compares with the bare pipeline: the median of the ratios of neighbouring rounds, so that what
 * else the machine does meets both alike.
 */
export function ratioOf(loop: readonly Round[], bare: readonly Round[]): number {
  return median(loop.flatMap((round, i) => (bare[i] ? [rateOf(round) / rateOf(bare[i])] : [])));
}

/** Processor time per task by role: medians over rounds, largest first. */
export function cpuByRole(rounds: readonly Round[]): [role: string, ms: number][] {
  const roles = [...new Set(rounds.flatMap((r) => Object.keys(r.cpuMsPerTask)))];
  return roles
    .map((role): [string, number] => [role, median(rounds.map((r) => r.cpuMsPerTask[role] ?? 0))])
    .toSorted((a, b) => b[1] - a[1]);
}

/** What was spent between two readings, per task. Roles that are not in both are left out. */
export function cpuPerTask(before: CpuTimes, after: CpuTimes, tasks: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).flatMap(([role, ms]) =>
      before[role] === undefined ? [] : [[role, (ms - before[role]) / tasks]],
    ),
  );
}
