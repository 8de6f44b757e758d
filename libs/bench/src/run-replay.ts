import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultPolicyName } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { BenchSource } from './bench-source';
import { openBenchmark, setupOf } from './bench-source';
import { claimFolder } from './output-folder';
import { checkPolicyNames, replayablePolicies } from './policy-names';
import type { PreparedBenchmark, ReplayOptions } from './replay';
import { prepare } from './replay';
import type { ReplayRow } from './rows';
import { ranked, rowOf } from './rows';
import { runStreams } from './run-streams';
import type { StreamResult } from './stream';
import { runRecorded } from './stream';

/** Everything `acr bench replay` may be told. */
export interface ReplayRequest {
  source: BenchSource;
  options: ReplayOptions;
  /** Policy names, or `all`: every policy of the registry and every published decision. */
  policies: string[] | 'all';
  /** Shuffled orders, ≥ 1. */
  orders: number;
  /** File in which finished streams are kept; its folder becomes this run's, and must not be another's. */
  resumeFile?: string;
  workers?: number;
  onProgress?: (done: number, total: number) => void;
}

/** A replay's table and the streams behind it. */
export interface ReplayOutcome {
  benchmark: Benchmark;
  rows: ReplayRow[];
  /** What a reader of the rows must know, in sentences. */
  notes: string[];
  streams: Map<string, StreamResult[]>;
}

/**
 * Replays policies and published decisions over the same rows.
 * @throws AcrError before anything runs: for rows that cannot be read, a policy that cannot be replayed, a folder
 * that holds another run
 */
export async function runReplay(request: ReplayRequest): Promise<ReplayOutcome> {
  const benchmark = openBenchmark(request.source);
  const setup = setupOf(request.source, benchmark);
  const prepared = prepare(benchmark, request.options.unknownCost);
  const names = policyNames(request, benchmark);
  if (request.resumeFile) claimFolder(dirname(request.resumeFile), { ...request.source, ...request.options });
  const recorded = names.filter((name) => benchmark.recorded.some((r) => r.name === name));
  const policies = names.filter((name) => !recorded.includes(name));
  const jobs = policies.flatMap((policy) =>
    Array.from({ length: request.orders }, (_, i) => ({ policy, order: i + 1, options: request.options })),
  );
  const results = await runStreams(jobs, {
    source: request.source,
    unknownCost: request.options.unknownCost,
    fingerprint: fingerprint(benchmark, request.source),
    ...(request.resumeFile ? { resumeFile: request.resumeFile } : {}),
    ...(request.workers === undefined ? {} : { workers: request.workers }),
    ...(request.onProgress ? { onProgress: request.onProgress } : {}),
  });
  const streams = new Map<string, StreamResult[]>();
  for (const name of policies)
    streams.set(
      name,
      results.filter((result) => result.policy === name),
    );
  addRecorded(streams, recorded, prepared, request.options);
  const usual = defaultPolicyName({ maxAttempts: request.options.maxAttempts });
  const prior = setup.prior ? request.source.prior : 'none';
  const allTasks = benchmark.tasks.length;
  const rows = [...streams].map(([name, list]) =>
    rowOf(list, { isDefault: name === usual, prior, allTasks }),
  );
  const notes = [...(benchmark.notes ?? []), ...unequalNotes(benchmark, rows)];
  return { benchmark, rows: ranked(rows), notes, streams };
}

/** Recorded decisions whose row is no fair comparison: made with more attempts, or for some of the tasks only. */
function unequalNotes(benchmark: Benchmark, rows: readonly ReplayRow[]): string[] {
  return rows.flatMap((row) => {
    const recorded = benchmark.recorded.find((r) => r.name === row.policy);
    const longest = Math.max(0, ...[...(recorded?.byTask.values() ?? [])].map((chain) => chain.length));
    const notes: string[] = [];
    if (longest > row.maxAttempts)
      notes.push(
        `${row.policy} made up to ${longest} attempts on a task, the others at most ${row.maxAttempts}.`,
      );
    if (row.coveredShare !== undefined)
      notes.push(
        `${row.policy} decides ${row.tasks} of ${benchmark.tasks.length} tasks: its sums are of those only.`,
      );
    return notes;
  });
}

function addRecorded(
  streams: Map<string, StreamResult[]>,
  names: readonly string[],
  prepared: PreparedBenchmark,
  options: ReplayOptions,
): void {
  for (const name of names) streams.set(name, [runRecorded(prepared, name, options).result]);
}

function policyNames({ policies }: ReplayRequest, benchmark: Benchmark): string[] {
  if (policies === 'all') return [...replayablePolicies(), ...benchmark.recorded.map((r) => r.name)];
  return checkPolicyNames(policies, benchmark);
}

/** Hash of the rows, the source and the routing code: kept streams of another one are not reused. */
function fingerprint(benchmark: Benchmark, source: BenchSource): string {
  const hash = createHash('sha256').update(JSON.stringify(source));
  for (const task of benchmark.tasks) hash.update(JSON.stringify([task.id, task.context, task.cells]));
  for (const directory of [__dirname, dirname(require.resolve('@acrouter/domain/routing/registry'))]) {
    if (!existsSync(directory)) continue;
    for (const file of readdirSync(directory).sort()) {
      if (/\.(js|ts)$/.test(file)) hash.update(readFileSync(join(directory, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
