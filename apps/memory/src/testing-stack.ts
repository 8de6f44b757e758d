import { readEnv } from '@acrouter/config/env';
import { readModelsFile } from '@acrouter/config/models-file';
import { insertAttempt, storeAnswer, storeVerdict } from '@acrouter/db/attempt-store';
import { claimAttempt } from '@acrouter/db/lease-store';
import type { Database } from '@acrouter/db/client';
import { markSent, reserveCall, settleCall } from '@acrouter/db/ledger-store';
import { insertTasks, type NewTask } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';
import { createLogger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { ContextService } from './context.service';
import { FeedbackService } from './feedback.service';
import { IndexFollower } from './index-follower';
import { MemoryIndex } from './memory-index';

/** One replica of the memory service without its queue, for tests of this app. */
export function openReplica(db: Database, embedder = new HashedEmbedder()) {
  const env = readEnv({ ACR_DATABASE_URL: 'postgres://test' });
  const metrics = new Metrics('test');
  const index = new MemoryIndex(env, readModelsFile(null, {}), embedder);
  const follower = new IndexFollower(db, env, createLogger('test', 'silent'), index);
  return {
    env,
    index,
    follower,
    context: new ContextService(db, embedder, index, follower, metrics),
    feedback: new FeedbackService(db, embedder, metrics),
  };
}

/** A model of the simulated pool that ships. */
export const MODEL = 'simulated/glm-5';

/** Accepts a task, as the gateway does. */
export async function submit(db: Database, id: string, changes: Partial<NewTask> = {}): Promise<void> {
  const task: NewTask = {
    id,
    tenantId: 'default',
    runId: null,
    externalId: null,
    prompt: 'Write a Python function `fib(n)` that returns the n-th Fibonacci number.',
    language: null,
    dimension: null,
    source: null,
    verification: null,
    metadata: {},
    limits: DEFAULT_LIMITS,
    traceparent: null,
    ...changes,
  };
  await insertTasks(db, [task]);
}

export interface Verdict {
  score: number;
  conclusive?: boolean;
  model?: string;
  simulated?: boolean;
}

/** Does what orchestrator, executor and verifier do for one attempt, up to the verdict. */
export async function verified(db: Database, taskId: string, attempt: number, v: Verdict): Promise<void> {
  const { model = MODEL, simulated = true } = v;
  const key = { taskId, attempt, call: 1 };
  const price = { inputPerMillion: 1, outputPerMillion: 1 };
  await insertAttempt(db, taskId, attempt, model);
  const call = { ...key, tenantId: 'default', runId: null, model, reserveUsd: 0.5, price, simulated };
  await db.transaction().execute((trx) => reserveCall(trx, call));
  await markSent(db, key);
  const usage = { inputTokens: 100_000, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  await db.transaction().execute((trx) => settleCall(trx, key, { usage, costUsd: 0.1, latencyMs: 5 }));
  await claimAttempt(db, taskId, attempt, 'lease', 60_000);
  await storeAnswer(db, taskId, attempt, 'lease', {
    answer: 'def fib(n): ...',
    responseModel: model,
    finishReason: 'stop',
    ...usage,
    latencyMs: 5,
  });
  await storeVerdict(db, taskId, attempt, {
    passed: v.score === 1,
    score: v.score,
    confidence: 1,
    signals: [],
    verdict: { conclusive: v.conclusive ?? true },
  });
}
