import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import { defaultPolicyName, POLICIES } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { BenchSource } from './bench-source';
import { openBenchmark, setupOf } from './bench-source';
import type { PreparedBenchmark, ReplayOptions } from './replay';
import { prepare } from './replay';
import type { ReplayRow } from './rows';
import { rowOf } from './rows';
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
  resumeFile?: string;
  workers?: number;
  onProgress?: (done: number, total: number) => void;
}

/** A replay's table and the streams behind it. */
export interface ReplayOutcome {
  benchmark: Benchmark;
  rows: ReplayRow[];
  streams: Map<string, StreamResult[]>;
}

/** Routers that ask an LLM cannot be replayed without one; `all` leaves them out. */
const NEEDS_LLM = /^llm-/;

/** Replays policies and published decisions over the same rows. */
export async function runReplay(request: ReplayRequest): Promise<ReplayOutcome> {
  const benchmark = openBenchmark(request.source);
  const setup = setupOf(request.source, benchmark);
  const prepared = prepare(benchmark, request.options.unknownCost);
  const names = policyNames(request, benchmark);
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
  const rows = [...streams].map(([name, list]) => rowOf(list, name === usual, prior));
  return { benchmark, rows: rows.sort((a, b) => a.cumReg.mean - b.cumReg.mean), streams };
}

function addRecorded(
  streams: Map<string, StreamResult[]>,
  names: readonly string[],
  prepared: PreparedBenchmark,
  options: ReplayOptions,
): void {
  for (const name of names) streams.set(name, [runRecorded(prepared, name, options).result]);
}

function policyNames(request: ReplayRequest, benchmark: Benchmark): string[] {
  const own = POLICIES.map((p) => p.name).filter((name) => !NEEDS_LLM.test(name));
  const known = [...own, ...benchmark.recorded.map((r) => r.name)];
  if (request.policies === 'all') return known;
  const names = [...new Set(request.policies)];
  const always = benchmark.models.map((m) => `always:${m.id}`);
  const unknown = names.filter((name) => !known.includes(name) && !always.includes(name));
  if (unknown.length === 0) return names;
  throw new AcrError(
    'ACR_INVALID_REQUEST',
    `There is no policy ${unknown.map((name) => `"${name}"`).join(', ')} to replay here. Known: ` +
      `${[...known, ...always].join(', ')}. Policies that ask an LLM cannot be replayed without one.`,
  );
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
