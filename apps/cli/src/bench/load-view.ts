import {
  cpuByRole,
  median,
  ratioOf,
  rateOf,
  type HopFigures,
  type Round,
} from '@acrouter/bench/load-figures';
import { textTable } from './text-table';

/** Everything measured at one number of processes. */
export interface Measured {
  processes: number;
  loop: Round[];
  /** Empty where checks take time: BullMQ alone has none. */
  bare: Round[];
  hops: HopFigures[];
  /** Bytes in Redis before the first round and after all had settled. */
  redisStart: number;
  redisEnd: number;
  /** The moment with the most unsettled tasks. */
  peak: { unsettled: number; bytes: number } | null;
}

/** What `acr bench load --json` prints. */
export type LoadResult = ReturnType<typeof resultOf>;

/** The figures, from the rounds. Rates in tasks/s, times in ms, memory in bytes. */
export function resultOf(
  options: {
    tasks: number;
    rounds: number;
    concurrency: number;
    window: number;
    checks: number | null;
    scale: string;
  },
  measured: readonly Measured[],
) {
  const { tasks, rounds, concurrency, window, scale } = options;
  return {
    tasks,
    rounds,
    concurrency,
    window,
    scale,
    checks: options.checks === null ? 'instant' : `sleep:${options.checks}`,
    results: measured.map((m) => ({
      processes: m.processes,
      loopTasksPerSecond: median(m.loop.map(rateOf)),
      loopRounds: m.loop.map(rateOf),
      bareTasksPerSecond: m.bare.length > 0 ? median(m.bare.map(rateOf)) : null,
      bareRounds: m.bare.map(rateOf),
      ratio: m.bare.length > 0 ? ratioOf(m.loop, m.bare) : null,
      growth: median(m.loop.map(rateOf)) / median((measured[0]?.loop ?? []).map(rateOf)),
      loopCpuMsPerTask: Object.fromEntries(cpuByRole(m.loop)),
      bareCpuMsPerTask: Object.fromEntries(cpuByRole(m.bare)),
      hops: m.hops,
      redis: {
        startBytes: m.redisStart,
        endBytes: m.redisEnd,
        peakUnsettledTasks: m.peak?.unsettled ?? 0,
        bytesPerTaskInFlight: m.peak ? (m.peak.bytes - m.redisStart) / m.peak.unsettled : null,
      },
    })),
  };
}

/** The result for people, line by line. */
export function loadView(result: LoadResult): string[] {
  return [
    `${result.rounds} rounds of ${result.tasks} tasks, ${result.concurrency} messages at once per queue and process, ${result.window} tasks in the loop; model instant, checks ${result.checks}; medians`,
    '',
    ...ratesTable(result),
    ...result.results.flatMap((r) => ['', ...hopsTable(r), '', ...cpuTable(r), '', redisLine(r)]),
  ];
}

type One = LoadResult['results'][number];

function ratesTable(result: LoadResult): string[] {
  const head = ['processes', 'loop tasks/s', 'growth', 'bare BullMQ', 'loop ÷ bare'];
  const rows = result.results.map((r) => [
    `${r.processes} of each${result.scale === 'all' ? '' : ` ${result.scale}`}`,
    r.loopTasksPerSecond.toFixed(0),
    `${r.growth.toFixed(2)} ×`,
    r.bareTasksPerSecond?.toFixed(0) ?? '-',
    r.ratio?.toFixed(2) ?? '-',
  ]);
  return textTable(head, rows);
}

function hopsTable(r: One): string[] {
  const head = [`hop (${r.processes} of each), ms`, 'queue p50', 'queue p99', 'handler p50', 'handler p99'];
  const ms = (value: number) => value.toFixed(1);
  return textTable(
    head,
    r.hops.map((h) => [h.hop, ms(h.waitP50), ms(h.waitP99), ms(h.workP50), ms(h.workP99)]),
  );
}

/** Where the time goes: on a machine that is busy, a task costs what its processes compute. */
function cpuTable(r: One): string[] {
  const roles = Object.keys(r.loopCpuMsPerTask);
  if (roles.length === 0) return ['Processor times: not known on this system.'];
  const total = (of: Record<string, number>) => Object.values(of).reduce((sum, ms) => sum + ms, 0);
  const cell = (ms: number | undefined) => (ms === undefined ? '-' : ms.toFixed(2));
  return textTable(
    ['processor time per task, ms', 'loop', 'bare'],
    [
      ...roles.map((role) => [role, cell(r.loopCpuMsPerTask[role]), cell(r.bareCpuMsPerTask[role])]),
      ['all', cell(total(r.loopCpuMsPerTask)), cell(total(r.bareCpuMsPerTask))],
    ],
  );
}

function redisLine(r: One): string {
  const { startBytes, endBytes, bytesPerTaskInFlight, peakUnsettledTasks } = r.redis;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const inFlight =
    bytesPerTaskInFlight === null ? '' : `; ${bytesPerTaskInFlight.toFixed(0)} bytes per task in flight`;
  return `Redis: ${mb(startBytes)} at the start, ${mb(endBytes)} after all settled (${mb(endBytes - startBytes)} more)${inFlight} (at ${peakUnsettledTasks} unsettled)`;
}
