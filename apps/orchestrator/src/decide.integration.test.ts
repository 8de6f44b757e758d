import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readEnv, type Env } from '@acrouter/config/env';
import { readModelsFile } from '@acrouter/config/models-file';
import { endWithoutAnswer, storeAnswer, storeVerdict } from '@acrouter/db/attempt-store';
import { claimAttempt } from '@acrouter/db/lease-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import { recordAttempts } from '@acrouter/db/commit-store';
import { storeContext } from '@acrouter/db/context-store';
import { decisionsOf } from '@acrouter/db/decision-store';
import { closeUnknown, markSent, settleCall } from '@acrouter/db/ledger-store';
import { insertTasks, loadTask } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS, type TaskLimits } from '@acrouter/domain/task';
import { Metrics } from '@acrouter/telemetry/metrics';
import { createLogger } from '@acrouter/telemetry/log';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { CommandWriter } from './command-writer';
import { DecideService } from './decide.service';
import { PolicyBook } from './policy-book';

let testDb: TestDatabase;
let db: Database;
let policies: PolicyBook;
let service: DecideService;
let n = 0;
let taskId = '';

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 12 });
  const env: Env = readEnv({ ACR_DATABASE_URL: testDb.url, ACR_SEED: '1' });
  policies = new PolicyBook(db, env, readModelsFile(null, {}), createLogger('test', 'silent'));
  await policies.onApplicationBootstrap();
  service = new DecideService(db, policies, new CommandWriter(policies, new Metrics('test')));
});
afterAll(async () => {
  await policies.beforeApplicationShutdown();
  await db.destroy();
  await testDb.drop();
});
beforeEach(() => submit());

async function submit(limits: Partial<TaskLimits> = {}) {
  taskId = `task-${++n}`;
  await insertTasks(db, [
    {
      id: taskId,
      tenantId: 'default',
      runId: null,
      externalId: 'x',
      prompt: 'write a function',
      language: 'python',
      dimension: 'algorithm',
      source: null,
      verification: null,
      metadata: {},
      limits: { ...DEFAULT_LIMITS, ...limits },
      traceparent: null,
    },
  ]);
  await storeContext(db, {
    taskId,
    dimension: 'algorithm',
    language: 'python',
    dimensionBy: 'given',
    embedding: new Float32Array([1, 0]),
    embedder: 'test',
    neighbours: [],
  });
}

const ready = () => service.handle({ kind: 'context-ready', taskId }, 1);
const finished = (attempt: number) => service.handle({ kind: 'attempt-finished', taskId, attempt }, 1);

/** Does what executor, verifier and memory do for one attempt. */
async function carryOut(attempt: number, score: number, conclusive = true) {
  const key = { taskId, attempt, call: 1 };
  const usage = { inputTokens: 100, outputTokens: 50, cachedInputTokens: 0, reasoningTokens: 0 };
  const answer = { ...usage, answer: 'a', responseModel: null, finishReason: 'stop', latencyMs: 5 };
  await claimAttempt(db, taskId, attempt, 'w', 5_000);
  await markSent(db, key);
  await db.transaction().execute((trx) => settleCall(trx, key, { usage, costUsd: 0.001, latencyMs: 5 }));
  await db.transaction().execute((trx) => storeAnswer(trx, taskId, attempt, 'w', answer));
  const verdict = { passed: score === 1, score, confidence: 1, signals: [], verdict: { conclusive } };
  await storeVerdict(db, taskId, attempt, verdict);
  await recordAttempts(db, [{ taskId, attempt }]);
}

async function fail(attempt: number, code: string) {
  const key = { taskId, attempt, call: 1 };
  await claimAttempt(db, taskId, attempt, 'w', 5_000);
  await markSent(db, key);
  await db.transaction().execute(async (trx) => {
    await closeUnknown(trx, key, { mayHaveBeenBilled: false, error: code });
    await endWithoutAnswer(trx, taskId, attempt, 'w', 'outage', { code, message: code });
  });
}
const modelOf = (handled: Awaited<ReturnType<typeof ready>>) => handled.outbox[0]?.key;

describe('deciding', () => {
  test('a ready task gets one attempt, one reservation and one explained decision, however often it is told', async () => {
    const handled = await Promise.all(Array.from({ length: 12 }, ready));
    expect(handled.flatMap((h) => h.outbox).map((o) => o.queue)).toEqual(['execute']);
    expect(await db.selectFrom('ledger').select('state').where('task_id', '=', taskId).execute()).toEqual([
      { state: 'reserved' },
    ]);
    const [decision, ...more] = await decisionsOf(db, taskId);
    expect(more).toEqual([]);
    expect(decision).toMatchObject({ action: 'attempt', attempt: 1, policy: policies.of('default').name });
    expect(decision?.candidates).toHaveLength(policies.models.length);
    expect(decision?.probability).toBeGreaterThan(0);
  });

  test('a passed check settles the task as solved', async () => {
    await ready();
    await carryOut(1, 1);
    expect((await finished(1)).outbox).toEqual([]);
    expect(await loadTask(db, taskId)).toMatchObject({
      outcome: 'solved',
      solved: true,
      score: 1,
      final_attempt: 1,
    });
  });

  test('a failed check escalates to another model; the last failure settles with the best answer', async () => {
    await submit({ maxAttempts: 3 });
    const first = modelOf(await ready());
    await carryOut(1, 0.5);
    const second = modelOf(await finished(1));
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    await carryOut(2, 0.25);
    await finished(2);
    await carryOut(3, 0);
    await finished(3);
    expect(await loadTask(db, taskId)).toMatchObject({
      outcome: 'unsolved',
      solved: false,
      score: 0.5,
      final_attempt: 1,
    });
  });

  test('a message that ran ahead of its facts changes nothing', async () => {
    await ready();
    expect((await finished(1)).outbox).toEqual([]);
    expect((await loadTask(db, taskId))?.phase).toBe('attempting');
  });

  test('an outage leads to another attempt and is no judged attempt', async () => {
    await submit({ maxAttempts: 1 });
    await ready();
    await fail(1, 'ACR_PROVIDER_OUTAGE');
    expect((await finished(1)).outbox.map((o) => o.queue)).toEqual(['execute']);
  });

  test('a provider that refused the prompt is not asked again', async () => {
    await submit({ maxOutages: 20 });
    const asked = [modelOf(await ready())];
    for (let attempt = 1; attempt <= policies.models.length; attempt++) {
      await fail(attempt, 'ACR_PROVIDER_REFUSED');
      const model = modelOf(await finished(attempt));
      if (model) asked.push(model);
    }
    expect(new Set(asked).size).toBe(policies.models.length);
    expect(await loadTask(db, taskId)).toMatchObject({ outcome: 'failed', final_attempt: null });
  });

  test('an answer that nothing could check settles as unverified', async () => {
    await ready();
    await carryOut(1, 0.4, false);
    await finished(1);
    expect(await loadTask(db, taskId)).toMatchObject({
      outcome: 'unverified',
      solved: false,
      final_attempt: 1,
    });
  });

  test('a budget that fits no worst case settles as over-budget without a call', async () => {
    await submit({ maxCostUsd: 0.0000001 });
    expect((await ready()).outbox).toEqual([]);
    expect(await loadTask(db, taskId)).toMatchObject({ outcome: 'over-budget' });
    expect(await db.selectFrom('ledger').selectAll().where('task_id', '=', taskId).execute()).toEqual([]);
  });

  test('cancelling settles, gives the reservation back and asks for the call to be stopped', async () => {
    await submit({ maxCostUsd: 5 });
    await ready();
    const handled = await service.handle({ kind: 'cancel', taskId }, 1);
    expect(handled.cancelTaskId).toBe(taskId);
    expect(await loadTask(db, taskId)).toMatchObject({ outcome: 'cancelled' });
    const budget = await db
      .selectFrom('budgets')
      .selectAll()
      .where('scope_id', '=', taskId)
      .executeTakeFirst();
    expect(budget).toMatchObject({ held_usd: 0, spent_usd: 0 });
  });

  test('events tell the story in order', async () => {
    await ready();
    await carryOut(1, 1);
    await finished(1);
    const events = await db
      .selectFrom('events')
      .select('type')
      .where('task_id', '=', taskId)
      .orderBy('id')
      .execute();
    expect(events.map((e) => e.type)).toEqual(['task.decided', 'task.attempt-finished', 'task.settled']);
  });
});
