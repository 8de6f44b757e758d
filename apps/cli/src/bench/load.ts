import { rawEnv } from '@acrouter/config/env';
import { BarePipeline } from '@acrouter/bench/load-bare';
import { cpuPerTask, type HopFigures, type Round } from '@acrouter/bench/load-figures';
import { readCpuTimes } from '@acrouter/bench/load-machine';
import { stageTimes } from '@acrouter/db/load-reads';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../exit-codes';
import { note, print, printJson } from '../output';
import { SERVICES } from '../stack/supervisor';
import { openBenchRedis, type BenchRedis } from './load-redis';
import { LoadStack } from './load-stack';
import { loadView, resultOf, type Measured } from './load-view';
import { progressBar } from './progress-bar';

interface LoadOptions {
  tasks: number;
  rounds: number;
  warmup: number;
  processes: number[];
  scale: 'all' | 'verifier';
  checks: number | null;
  concurrency: number;
  window: number;
  queueUrl?: string;
  json?: boolean;
}

/** Fewer tasks per round are over before V8 has compiled what they run, here and in bare BullMQ. */
const FEW_TASKS = 5_000;

/** Redis gives memory of finished work back within a moment. */
const SETTLE_MS = 2_000;

/** `acr bench load` */
export function registerBenchLoad(bench: Command): void {
  bench
    .command('load')
    .summary('tasks per second through the whole loop, beside bare BullMQ')
    .description(
      'Starts a stack of its own (embedded Postgres, redis-server) with a model and a check that take no time, sends tasks through all of it, and in turns as many through bare BullMQ queues with the same hops. Everything but the model call and the check is the real thing. Needs redis-server, or a Redis of yours.',
    )
    .option('--tasks <n>', 'tasks per round', count, 8_000)
    .option('--rounds <n>', 'rounds of each kind, in turns; the figures are medians', count, 3)
    .option('--warmup <n>', 'tasks that are not counted, before the first round', count, 2_000)
    .addOption(
      new Option('--processes <list>', 'processes of each service, e.g. 1,2,4')
        .argParser(counts)
        .default([1], '1'),
    )
    .addOption(
      new Option('--scale <which>', 'which services --processes multiplies')
        .choices(['all', 'verifier'])
        .default('all'),
    )
    .addOption(
      new Option('--checks <what>', 'instant, or sleep:<ms>').argParser(checksOf).default(null, 'instant'),
    )
    .option('--concurrency <n>', 'messages at once per queue and process', count, 512)
    .option('--window <n>', 'tasks in the loop at once (ACR_WINDOW)', count, 4_096)
    .option(
      '--queue-url <url>',
      'a running Redis (default: ACR_QUEUE_URL if that is one, else a private one)',
    )
    .option('--json', 'one JSON line')
    .addHelpText(
      'after',
      `
Examples:
  $ acr bench load                                           the loop against bare BullMQ
  $ acr bench load --processes 1,2,4                         how both scale
  $ acr bench load --checks sleep:100 --scale verifier --processes 1,2 --tasks 400
  $ acr bench load --tasks 20000 --rounds 1                  what is left in Redis`,
    )
    .action(benchLoad);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

const counts = (text: string): number[] => text.split(',').map(count);

function checksOf(text: string): number | null {
  if (text === 'instant') return null;
  const ms = Number(/^sleep:(\d+)$/.exec(text)?.[1]);
  if (!(ms > 0)) throw new InvalidArgumentError('It must be "instant" or like "sleep:100".');
  return ms;
}

/** What runs and must be stopped, in the order in which it was started. */
type Started = { stop(): Promise<void> }[];

async function benchLoad(options: LoadOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'acr-load-'));
  // Root's Postgres runs as nobody, who must get in.
  chmodSync(dir, 0o755);
  const started: Started = [];
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopped.abort());
  try {
    await Promise.race([measureAll(options, dir, started), once(stopped.signal, 'abort')]);
  } finally {
    if (stopped.signal.aborted) note('Stopping …');
    await stopAll(started);
    rmSync(dir, { recursive: true, force: true });
  }
  // What was interrupted waits for what has been stopped.
  if (stopped.signal.aborted) process.exit(EXIT.interrupted);
}

async function stopAll(started: Started): Promise<void> {
  for (const one of started.splice(0).reverse()) await one.stop();
}

async function measureAll(options: LoadOptions, dir: string, started: Started): Promise<void> {
  if (options.checks === null && options.tasks < FEW_TASKS)
    note(`  rounds of fewer than ${FEW_TASKS} tasks measure compilers that warm up more than the loop`);
  const redis = await openBenchRedis(options.queueUrl ?? redisOfEnvironment(), dir);
  started.push(redis);
  const measured: Measured[] = [];
  for (const processes of options.processes) {
    const own: Started = [];
    started.push({ stop: () => stopAll(own) });
    measured.push(await measure(options, processes, redis, join(dir, String(processes)), own));
    await stopAll(own);
  }
  const result = resultOf(options, measured);
  if (options.json) printJson(result);
  else for (const line of loadView(result)) print(line);
}

function redisOfEnvironment(): string | undefined {
  const url = rawEnv().ACR_QUEUE_URL;
  return url && /^rediss?:/.test(url) ? url : undefined;
}

async function measure(
  options: LoadOptions,
  processes: number,
  redis: BenchRedis,
  dir: string,
  started: Started,
): Promise<Measured> {
  const scaled = options.scale === 'all' ? SERVICES : (['verifier'] as const);
  const stack = await LoadStack.start({
    dir,
    redis,
    copies: Object.fromEntries(scaled.map((service) => [service, processes])),
    concurrency: options.concurrency,
    window: options.window,
    checkMs: options.checks,
    log: (line) => note(`  ${line}`),
  });
  started.push(stack);
  const bare =
    options.checks === null ? await BarePipeline.start(redis.url, processes, options.concurrency) : null;
  if (bare) started.push(bare);
  return rounds(options, processes, redis, stack, bare);
}

async function rounds(
  options: LoadOptions,
  processes: number,
  redis: BenchRedis,
  stack: LoadStack,
  bare: BarePipeline | null,
): Promise<Measured> {
  const bar = progressBar('tasks');
  const watch = { onProgress: () => undefined, onSample: () => undefined };
  await stack.run(options.warmup, watch);
  await bare?.run(options.warmup);
  await sleep(SETTLE_MS);
  const redisStart = await redis.usedBytes();
  const measured: Measured = { processes, loop: [], bare: [], hops: [], redisStart, redisEnd: 0, peak: null };
  const runIds: string[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    note(`  round ${round} of ${options.rounds}, ${processes} of each: ${options.tasks} tasks`);
    const { runId, ...figures } = await stack.run(options.tasks, {
      onProgress: (settled) => bar.update(settled, options.tasks),
      onSample: (unsettled, bytes) => {
        if (unsettled > (measured.peak?.unsettled ?? 0)) measured.peak = { unsettled, bytes };
      },
    });
    bar.end();
    runIds.push(runId);
    measured.loop.push(figures);
    if (bare) measured.bare.push(await bareRound(bare, redis, options.tasks));
  }
  await sleep(SETTLE_MS);
  measured.redisEnd = await redis.usedBytes();
  measured.hops = (await stageTimes(stack.db, runIds)).map(({ stage, ...times }): HopFigures => ({
    hop: stage,
    ...times,
  }));
  return measured;
}

async function bareRound(bare: BarePipeline, redis: BenchRedis, tasks: number): Promise<Round> {
  const roles = [...bare.processes, ...(redis.pid === null ? [] : [{ role: 'redis', pid: redis.pid }])];
  const before = readCpuTimes(roles);
  const seconds = await bare.run(tasks);
  return { tasks, seconds, cpuMsPerTask: cpuPerTask(before, readCpuTimes(roles), tasks) };
}
