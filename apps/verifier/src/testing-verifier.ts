import { readEnv } from '@acrouter/config/env';
import { parseModelsFile } from '@acrouter/config/models-file';
import { insertAttempt, loadAttempt, storeAnswer } from '@acrouter/db/attempt-store';
import { claimAttempt } from '@acrouter/db/lease-store';
import type { Database } from '@acrouter/db/client';
import { markSent, reserveCall, settleCall } from '@acrouter/db/ledger-store';
import { insertTasks, type NewTask } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import type { Signal } from '@acrouter/domain/verification/signals';
import { createLogger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { AskedModels } from './asked-models';
import { CallMeter } from './call-meter';
import { CheckMeter } from './check-meter';
import { Checker } from './checker';
import { ConsistencyService } from './consistency.service';
import { JudgeService } from './judge.service';
import { OpinionsService } from './opinions.service';
import { PaidCalls } from './paid-calls';
import { TrustBook } from './trust-book';
import { VerifyService } from './verify.service';

/** The model that answers. */
export const WORKER = 'worker';
export const PRICE = { inputPerMillion: 10, outputPerMillion: 100 };

/** A verifier without its queue, in a pool of WORKER and `judge`, both at `baseUrl`. */
export interface TestVerifier {
  service: VerifyService;
  close: () => Promise<void>;
}

/** @param section the section `verification` of models.yaml, in one line. */
export async function openVerifier(
  db: Database,
  baseUrl: string,
  section: string,
  timeoutMs = 2_000,
): Promise<TestVerifier> {
  const limits = `limits: { timeoutMs: ${timeoutMs} }`;
  const model = (id: string) =>
    `  - { id: ${id}, provider: openai-compatible, baseUrl: "${baseUrl}", price: ${JSON.stringify(PRICE)}, ${limits} }\n`;
  const text = `models:\n${model(WORKER)}${model('judge')}verification: ${section}\n`;
  const pool = parseModelsFile(text, 'models.yaml', {});
  const env = readEnv({ ACR_DATABASE_URL: 'postgres://test' });
  const [metrics, tracing] = [new Metrics('test'), new Tracing({ service: 'test' })];
  const checker = new Checker(env, createLogger('test', 'silent'), metrics, pool);
  await checker.onApplicationBootstrap();
  const models = new AskedModels(pool);
  const calls = new PaidCalls(db, models, new CallMeter(metrics, tracing));
  const consistency = new ConsistencyService(pool, db, checker, calls, models);
  const opinions = new OpinionsService(
    db,
    pool,
    consistency,
    new JudgeService(pool, calls),
    new TrustBook(db),
  );
  const service = new VerifyService(db, checker, opinions, calls, new CheckMeter(metrics, tracing));
  return { service, close: () => checker.beforeApplicationShutdown() };
}

let n = 0;

/** A task with one answered attempt per answer, each of 0.001 USD, as orchestrator and executor leave it. */
export async function answered(
  db: Database,
  answers: readonly string[],
  more: Partial<NewTask> = {},
): Promise<string> {
  const id = `task-${++n}`;
  const task: NewTask = {
    id,
    tenantId: 'default',
    runId: null,
    externalId: null,
    prompt: 'Explain what a mutex is.',
    language: null,
    dimension: 'code_understanding',
    source: null,
    verification: null,
    metadata: {},
    limits: DEFAULT_LIMITS,
    traceparent: null,
    ...more,
  };
  await insertTasks(db, [task]);
  const usage = { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reasoningTokens: 0 };
  for (const [i, answer] of answers.entries()) {
    const key = { taskId: id, attempt: i + 1, call: 1 };
    await insertAttempt(db, id, i + 1, WORKER);
    const line = {
      ...key,
      tenantId: task.tenantId,
      runId: null,
      model: WORKER,
      reserveUsd: 0.1,
      price: PRICE,
    };
    await db.transaction().execute((trx) => reserveCall(trx, { ...line, simulated: false }));
    await markSent(db, key);
    await db.transaction().execute((trx) => settleCall(trx, key, { usage, costUsd: 0.001, latencyMs: 1 }));
    await claimAttempt(db, id, i + 1, 'lease', 60_000);
    const facts = { responseModel: null, finishReason: 'stop', latencyMs: 1 };
    await storeAnswer(db, id, i + 1, 'lease', { answer, ...facts, ...usage });
  }
  return id;
}

/** What is stored of an attempt, and its signal of one kind. */
export async function verdictOf(db: Database, taskId: string, attempt: number, kind: Signal['kind']) {
  const row = await loadAttempt(db, taskId, attempt);
  const signals = (row?.signals ?? []) as Signal[];
  return { row, signal: signals.find((s) => s.kind === kind) };
}
