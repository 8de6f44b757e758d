import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { abandonAttempt, insertAttempt, loadAttempt, storeAnswer, storeVerdict } from './attempt-store';
import { claimAttempt } from './lease-store';
import { openDatabase, type Database } from './client';
import {
  budgetLeft,
  callsOf,
  closeUnknown,
  markSent,
  moneyOf,
  releaseUnsent,
  reserveCall,
  settleCall,
} from './ledger-store';
import { insertTasks, takeStuckTasks } from './task-store';

let testDb: TestDatabase;
let db: Database;
let n = 0;
let taskId = '';
const RUN = 'run-1';

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 20 });
  await db
    .insertInto('runs')
    .values({ id: RUN, tenant_id: 'default', name: null, max_cost_usd: 1 })
    .execute();
  await db.insertInto('budgets').values({ scope: 'run', scope_id: RUN, limit_usd: 1 }).execute();
});
afterAll(async () => {
  await db.destroy();
  await testDb.drop();
});
beforeEach(async () => {
  taskId = `t${++n}`;
  await newTask(taskId);
  await db.updateTable('budgets').set({ held_usd: 0, spent_usd: 0 }).execute();
});

const newTask = (id: string, maxCostUsd: number | null = null) =>
  insertTasks(db, [
    {
      id,
      tenantId: 'default',
      runId: RUN,
      externalId: null,
      prompt: 'p\0q',
      language: null,
      dimension: null,
      source: null,
      verification: null,
      metadata: { odd: '\ud800', literal: '\\u0000' },
      limits: { ...DEFAULT_LIMITS, maxCostUsd },
      traceparent: null,
    },
  ]);
const key = (call = 1) => ({ taskId, attempt: 1, call });
const call = (over: { taskId?: string; call?: number; reserveUsd?: number } = {}) => ({
  ...key(),
  tenantId: 'default',
  runId: RUN,
  model: 'm',
  reserveUsd: 0.1,
  price: { inputPerMillion: 1, outputPerMillion: 1 },
  simulated: false,
  ...over,
});
const reserve = (over?: Parameters<typeof call>[0]) =>
  db.transaction().execute((trx) => reserveCall(trx, call(over)));
const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
const settle = (costUsd = 0.04) =>
  db.transaction().execute((trx) => settleCall(trx, key(), { usage, costUsd, latencyMs: 1 }));
const runBudget = () =>
  db.selectFrom('budgets').selectAll().where('scope_id', '=', RUN).executeTakeFirstOrThrow();

describe('budgets', () => {
  test('50 parallel reservations never pass the limit', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => newTask(`${taskId}-${i}`)));
    const granted = await Promise.all(
      Array.from({ length: 50 }, (_, i) => reserve({ taskId: `${taskId}-${i}`, reserveUsd: 0.03 })),
    );
    expect(granted.filter(Boolean)).toHaveLength(33);
    expect((await runBudget()).held_usd).toBeCloseTo(0.99, 9);
  });

  test('settling gives the reservation back and books the cost, once', async () => {
    await reserve();
    await markSent(db, key());
    await settle();
    await settle();
    expect(await runBudget()).toMatchObject({ held_usd: 0, spent_usd: 0.04 });
    expect(await moneyOf(db, taskId, 1)).toEqual({ costUsd: 0.04, heldUsd: 0, unknownCalls: 0 });
  });

  test('an unknown call that may have been billed stays held; one that was refused does not', async () => {
    await reserve();
    await reserve({ call: 2 });
    const close = (c: number, mayHaveBeenBilled: boolean) =>
      db.transaction().execute((trx) => closeUnknown(trx, key(c), { mayHaveBeenBilled, error: 'x' }));
    await close(1, true);
    await close(2, false);
    await close(2, true);
    expect(await moneyOf(db, taskId, 1)).toEqual({ costUsd: 0, heldUsd: 0.1, unknownCalls: 2 });
    expect((await runBudget()).held_usd).toBeCloseTo(0.1);
  });

  test('a late answer corrects a call that had been given up as unknown', async () => {
    await reserve();
    await db
      .transaction()
      .execute((trx) => closeUnknown(trx, key(), { mayHaveBeenBilled: true, error: 'timeout' }));
    await settle();
    expect(await runBudget()).toMatchObject({ held_usd: 0, spent_usd: 0.04 });
    expect((await callsOf(db, taskId, 1)).map((c) => c.state)).toEqual(['settled']);
  });

  test('what was never sent is released', async () => {
    await reserve();
    await db.transaction().execute((trx) => releaseUnsent(trx, taskId));
    expect((await runBudget()).held_usd).toBe(0);
    expect(await budgetLeft(db, { taskId, runId: RUN, tenantId: 'default' })).toBe(1);
  });

  test('reserving the same call twice holds it once', async () => {
    expect(await reserve()).toBe(true);
    expect(await reserve()).toBe(true);
    expect((await runBudget()).held_usd).toBeCloseTo(0.1);
  });

  test('a task’s own limit binds too', async () => {
    await newTask(`${taskId}-small`, 0.05);
    expect(await reserve({ taskId: `${taskId}-small` })).toBe(false);
  });

  test('tiny prices are kept to 12 decimals', async () => {
    await reserve();
    await settle(0.000000000001);
    expect((await moneyOf(db, taskId, 1)).costUsd).toBe(1e-12);
  });
});

describe('leases', () => {
  const answer = (token: string) =>
    db.transaction().execute((trx) =>
      storeAnswer(trx, taskId, 1, token, {
        answer: 'a\0b\ud800',
        responseModel: 'm',
        finishReason: 'stop',
        inputTokens: 1,
        outputTokens: 1,
        cachedInputTokens: 0,
        reasoningTokens: 0,
        latencyMs: 1,
      }),
    );
  beforeEach(() => insertAttempt(db, taskId, 1, 'm'));

  test('one of many claimants gets the attempt', async () => {
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, i) => claimAttempt(db, taskId, 1, `w${i}`, 5_000)),
    );
    expect(claims.filter((c) => c.kind === 'claimed')).toHaveLength(1);
    expect(claims.filter((c) => c.kind === 'held')).toHaveLength(9);
  });

  test('a worker whose lease ran out is refused, and the new holder is not', async () => {
    await claimAttempt(db, taskId, 1, 'old', -1);
    expect((await claimAttempt(db, taskId, 1, 'new', 5_000)).kind).toBe('claimed');
    expect(await answer('old')).toBe(false);
    expect(await answer('new')).toBe(true);
    expect((await loadAttempt(db, taskId, 1))?.answer).toBe('a\ufffdb\ufffd');
    expect((await claimAttempt(db, taskId, 1, 'third', 5_000)).kind).toBe('over');
  });

  test('an abandoned attempt takes no answer', async () => {
    await claimAttempt(db, taskId, 1, 'w', 5_000);
    await abandonAttempt(db, taskId, 1);
    expect(await answer('w')).toBe(false);
  });

  test('the first verdict wins', async () => {
    await claimAttempt(db, taskId, 1, 'w', 5_000);
    await answer('w');
    const verdict = (score: number) => ({ passed: false, score, confidence: 1, signals: [], verdict: {} });
    expect(await storeVerdict(db, taskId, 1, verdict(0.3))).toBe(true);
    expect(await storeVerdict(db, taskId, 1, verdict(0.9))).toBe(false);
    expect((await loadAttempt(db, taskId, 1))?.score).toBe(0.3);
  });

  test('the sweeper leaves a task alone while a lease runs, then takes it once', async () => {
    await db
      .updateTable('tasks')
      .set({ progressed_at: new Date(0), admitted_at: new Date(0) })
      .where('id', '=', taskId)
      .execute();
    const sweep = () => db.transaction().execute((trx) => takeStuckTasks(trx, 60_000, 100));
    await claimAttempt(db, taskId, 1, 'w', 60_000);
    expect((await sweep()).map((t) => t.id)).not.toContain(taskId);
    await claimAttempt(db, taskId, 1, 'w', -1);
    const taken = (await Promise.all([sweep(), sweep(), sweep()])).flat().filter((t) => t.id === taskId);
    expect(taken).toEqual([
      expect.objectContaining({ attempt: 1, model: 'm', attemptStatus: 'executing', hasContext: false }),
    ]);
  });
});
