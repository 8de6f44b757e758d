import { openDatabase, type Database } from '@acrouter/db/client';
import { countUnsettled, settledOf } from '@acrouter/db/load-reads';
import { readCpuTimes } from '@acrouter/bench/load-machine';
import { cpuPerTask, type Round } from '@acrouter/bench/load-figures';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { AcrError } from '@acrouter/domain/errors';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayClient } from '../gateway-client';
import type { SERVICES } from '../stack/supervisor';
import { Supervisor } from '../stack/supervisor';
import type { BenchRedis } from './load-redis';

const CHUNK = 500;
/** Rare enough that looking costs nothing that counts. */
const POLL_MS = 1_000;
/** Nothing settled for so long: something is broken, and waiting on would only hide it. */
const STUCK_MS = 60_000;

/** What a stack under load is made of. */
export interface LoadStackOptions {
  dir: string;
  redis: BenchRedis;
  /** Processes per service. */
  copies: Partial<Record<(typeof SERVICES)[number], number>>;
  /** Messages at once per queue and process. */
  concurrency: number;
  /** Tasks in the loop at once; the others wait in Postgres. */
  window: number;
  /** What a check takes, ms; `null` = nothing, and verifiers take `concurrency` at once. */
  checkMs: number | null;
  log: (line: string) => void;
}

/** What is told while a round runs. */
export interface Watch {
  onProgress: (settled: number) => void;
  /** Tasks submitted and not settled, with the bytes that Redis holds at that moment. */
  onSample: (unsettled: number, redisBytes: number) => void;
}

/** The whole product with a model and a check that take no time: what is left is the loop itself. */
export class LoadStack {
  /** Tasks of the present round that the gateway has taken. */
  private submitted = 0;

  private constructor(
    private readonly supervisor: Supervisor,
    private readonly options: LoadStackOptions,
    private readonly clients: readonly GatewayClient[],
    readonly db: Database,
    private readonly postgresPid: number | null,
    private readonly services: readonly { name: string; pid: number }[],
  ) {}

  static async start(options: LoadStackOptions): Promise<LoadStack> {
    mkdirSync(options.dir, { recursive: true });
    const modelsFile = join(options.dir, 'models.yaml');
    writeFileSync(modelsFile, modelsYaml(options.concurrency));
    const supervisor = new Supervisor({
      dataDir: join(options.dir, 'data'),
      port: 0,
      queueUrl: options.redis.url,
      modelsFile,
      copies: options.copies,
      env: environment(options),
      log: options.log,
    });
    const stack = await supervisor.start();
    const clients = stack.services
      .filter((s) => /^gateway/.test(s.name))
      .map((s) => new GatewayClient(`http://127.0.0.1:${s.port}`));
    const db = openDatabase({ url: stack.databaseUrl, poolSize: 2, applicationName: 'acr-bench-load' });
    return new LoadStack(supervisor, options, clients, db, stack.postgresPid, stack.services);
  }

  /** Submits `tasks` tasks and waits until all are settled. @throws AcrError ACR_INTERNAL when it comes to a stop */
  async run(tasks: number, watch: Watch): Promise<Round & { runId: string }> {
    const before = this.cpu();
    const startedAtMs = Date.now();
    const [client] = this.clients;
    const run = await client?.submitRun(
      { name: 'load', maxCostUsd: tasks, expectedTasks: tasks, tasks: [] },
      randomUUID(),
    );
    if (!run) throw new Error('a stack has a gateway');
    this.submitted = 0;
    const [lastAtMs] = await Promise.all([this.settled(run.id, tasks, watch), this.submit(run.id, tasks)]);
    const cpuMsPerTask = cpuPerTask(before, this.cpu(), tasks);
    return { tasks, seconds: (lastAtMs - startedAtMs) / 1_000, cpuMsPerTask, runId: run.id };
  }

  async stop(): Promise<void> {
    await this.db.destroy();
    await this.supervisor.stop();
  }

  private async submit(runId: string, tasks: number): Promise<void> {
    for (let from = 0; from < tasks; from += CHUNK) {
      const chunk = Array.from({ length: Math.min(CHUNK, tasks - from) }, (_, i) => taskOf(from + i));
      const client = this.clients[(from / CHUNK) % this.clients.length];
      await client?.addTasks(runId, chunk, randomUUID());
      this.submitted += chunk.length;
    }
  }

  private async settled(runId: string, tasks: number, watch: Watch): Promise<number> {
    let seen = 0;
    let movedAtMs = Date.now();
    for (;;) {
      const { submitted } = this;
      const unsettled = await countUnsettled(this.db);
      const settled = Math.max(0, submitted - unsettled);
      watch.onProgress(settled);
      watch.onSample(unsettled, await this.options.redis.usedBytes());
      if (settled > seen) movedAtMs = Date.now();
      seen = settled;
      if (settled === tasks) return this.checkSolved(runId, tasks);
      if (Date.now() - movedAtMs > STUCK_MS)
        throw new AcrError('ACR_INTERNAL', `No task settled for a minute; ${settled} of ${tasks} are.`);
      await sleep(POLL_MS);
    }
  }

  /** When the last task of a round settled, Unix ms. */
  private async checkSolved(runId: string, tasks: number): Promise<number> {
    const { settled, solved, lastAtMs } = await settledOf(this.db, runId);
    if (settled < tasks || solved < tasks || lastAtMs === null)
      throw new AcrError('ACR_INTERNAL', `Only ${solved} of ${tasks} tasks were solved.`);
    return lastAtMs;
  }

  private cpu() {
    const { redis } = this.options;
    return readCpuTimes([
      ...this.services.map((s) => ({ role: s.name.replace(/-\d+$/, ''), pid: s.pid })),
      ...(this.postgresPid === null ? [] : [{ role: 'postgres', pid: this.postgresPid }]),
      ...(redis.pid === null ? [] : [{ role: 'redis', pid: redis.pid }]),
    ]);
  }
}

function environment(options: LoadStackOptions): Record<string, string> {
  return {
    ACR_PRETEND_CHECK_MS: String(options.checkMs ?? 0),
    ACR_LOG_LEVEL: 'warn',
    ACR_SEED: 'load',
    ACR_WINDOW: String(options.window),
    // Checks that take time get the verifiers' usual slots: one per core.
    ...(options.checkMs === null ? { ACR_CONCURRENCY: String(options.concurrency) } : {}),
  };
}

/** One simulated model at a price, so that ledger and budgets have something to count. */
const modelsYaml = (concurrency: number) => `models:
  - id: simulated/instant
    provider: simulated
    model: instant
    price: { inputPerMillion: 1, outputPerMillion: 4 }
    limits: { concurrency: ${concurrency}, maxOutputTokens: 1024 }
`;

/** Prompts of ordinary length that differ, so that each has a vector of its own. */
function taskOf(i: number): TaskSpec {
  const shape = ['rectangle', 'garden', 'window', 'field', 'poster', 'tile', 'sheet', 'roof'][i % 8];
  return {
    id: `load-${i}`,
    prompt: `Write a Python function area(width, height) that returns the area of ${shape} number ${i}. Widths and heights are whole numbers from 0 to ${i + 10}; the result must be exact. Do not print anything.`,
    language: 'python',
    dimension: 'code_generation',
    verification: { tests: 'assert area(3, 4) == 12\nassert area(0, 9) == 0' },
  };
}
