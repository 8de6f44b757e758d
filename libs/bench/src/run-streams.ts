import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { BenchSource } from './bench-source';
import { openBenchmark, setupOf } from './bench-source';
import { prepare } from './replay';
import type { StreamJob, StreamResult } from './stream';
import { runStream } from './stream';

/** How streams are run. */
export interface RunOptions {
  source: BenchSource;
  unknownCost: 'mean' | 'zero';
  /** File in which finished streams are kept, one JSON line each; a later run with the same `fingerprint` skips them. */
  resumeFile?: string;
  /** Changes with anything that may change a result (rows, source, code). */
  fingerprint: string;
  /** Worker threads; default: all cores. 0 runs everything in this thread. */
  workers?: number;
  /** Called after each stream. */
  onProgress?: (done: number, total: number) => void;
}

/** Runs all jobs, those kept from an interrupted run excepted; results in the order of the jobs. */
export async function runStreams(jobs: readonly StreamJob[], options: RunOptions): Promise<StreamResult[]> {
  const kept = readKept(options);
  const results = jobs.map((job) => kept.get(keyOf(job)) ?? null);
  const open = jobs.map((job, index) => ({ job, index })).filter(({ index }) => results[index] === null);
  let done = jobs.length - open.length;
  options.onProgress?.(done, jobs.length);
  const finish = (index: number, result: StreamResult) => {
    results[index] = result;
    done += 1;
    keep(options, result);
    options.onProgress?.(done, jobs.length);
  };
  const wanted = extname(__filename) === '.ts' ? 0 : (options.workers ?? availableParallelism());
  const workers = Math.min(wanted, open.length);
  if (workers === 0) await runHere(open, options, finish);
  else await runInWorkers(open, options, workers, finish);
  return results.filter((result) => result !== null);
}

interface OpenJob {
  job: StreamJob;
  index: number;
}

type Finish = (index: number, result: StreamResult) => void;

/** Same as the workers, in this thread: for one core, and where TypeScript runs unbuilt. */
async function runHere(open: readonly OpenJob[], options: RunOptions, finish: Finish): Promise<void> {
  if (open.length === 0) return;
  const benchmark = openBenchmark(options.source);
  const prepared = prepare(benchmark, options.unknownCost);
  const setup = setupOf(options.source, benchmark);
  for (const { job, index } of open) {
    finish(index, runStream(prepared, setup, job).result);
    // So that Ctrl-C is heard between two streams.
    await setImmediate();
  }
}

async function runInWorkers(
  open: readonly OpenJob[],
  options: RunOptions,
  count: number,
  finish: Finish,
): Promise<void> {
  const queue = [...open];
  const runOne = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      let current: OpenJob | undefined;
      const next = () => {
        current = queue.shift();
        if (current) worker.postMessage(current.job);
        else resolve();
      };
      worker.on('message', (result: StreamResult) => {
        if (current) finish(current.index, result);
        next();
      });
      worker.on('error', reject);
      next();
    });
  const workers = Array.from({ length: count }, () => {
    const workerData = { source: options.source, unknownCost: options.unknownCost };
    return new Worker(join(__dirname, 'stream-worker.js'), { workerData });
  });
  try {
    await Promise.all(workers.map(runOne));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

const keyOf = (job: StreamJob) => JSON.stringify([job.policy, job.order, job.options]);

function readKept({ resumeFile, fingerprint }: RunOptions): Map<string, StreamResult> {
  const kept = new Map<string, StreamResult>();
  if (!resumeFile || !existsSync(resumeFile)) return kept;
  for (const line of readFileSync(resumeFile, 'utf8').split('\n')) {
    const entry = parseKept(line);
    if (entry?.fingerprint === fingerprint) kept.set(keyOf(entry.result), entry.result);
  }
  return kept;
}

/** A line of the resume file; `null` for one that was cut off when the run was killed. */
function parseKept(line: string): { fingerprint: string; result: StreamResult } | null {
  try {
    return JSON.parse(line) as { fingerprint: string; result: StreamResult };
  } catch {
    return null;
  }
}

function keep({ resumeFile, fingerprint }: RunOptions, result: StreamResult): void {
  if (!resumeFile) return;
  appendFileSync(resumeFile, `${JSON.stringify({ fingerprint, result })}\n`);
}
