import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listTenantBudgets, removeTenantBudget, setTenantBudget } from './budget-store';
import { openDatabase, type Database } from './client';
import { markSent, reserveCall, settleCall } from './ledger-store';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, poolSize: 12 });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

let count = 0;
/** A task of the tenant, so that ledger lines can refer to it. */
async function newTask(tenantId: string): Promise<string> {
  const id = `t-${++count}`;
  const limits = { max_attempts: 1, max_outages: 1, cost_weight: 0 };
  const row = { id, tenant_id: tenantId, prompt: 'p', state: '{}', phase: 'context' as const, ...limits };
  await db.insertInto('tasks').values(row).execute();
  return id;
}

const price = { inputPerMillion: 1, outputPerMillion: 1 };
const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
const reserve = (tenantId: string, taskId: string, reserveUsd: number) =>
  db.transaction().execute((trx) =>
    reserveCall(trx, {
      taskId,
      attempt: 1,
      call: 1,
      tenantId,
      runId: null,
      model: 'm',
      reserveUsd,
      price,
      simulated: true,
    }),
  );
const settle = (taskId: string, costUsd: number) =>
  db
    .transaction()
    .execute((trx) => settleCall(trx, { taskId, attempt: 1, call: 1 }, { usage, costUsd, latencyMs: 1 }));
const set = (tenantId: string, limitUsd: number, restart = false) =>
  db.transaction().execute((trx) => setTenantBudget(trx, tenantId, limitUsd, restart));
const budgetOf = async (tenantId: string) =>
  (await listTenantBudgets(db)).find((b) => b.tenantId === tenantId);

test('a budget set while calls are under way holds them', async () => {
  const early = await newTask('a');
  expect(await reserve('a', early, 0.6)).toBe(true);
  expect(await set('a', 1)).toEqual({ tenantId: 'a', limitUsd: 1, spentUsd: 0, heldUsd: 0.6 });
  expect(await reserve('a', await newTask('a'), 0.5)).toBe(false);
  await markSent(db, { taskId: early, attempt: 1, call: 1 });
  await settle(early, 0.2);
  expect(await budgetOf('a')).toMatchObject({ spentUsd: 0.2, heldUsd: 0 });
  expect(await reserve('a', await newTask('a'), 0.5)).toBe(true);
});

test('budgets that appear among parallel reservations hold exactly what is open', async () => {
  const tasks = await Promise.all(Array.from({ length: 30 }, () => newTask('b')));
  const setting = set('b', 10);
  await Promise.all([setting, ...tasks.map((id) => reserve('b', id, 0.1))]);
  const held = (await budgetOf('b'))?.heldUsd ?? 0;
  expect(held).toBeCloseTo(3, 9);
  await Promise.all(tasks.map((id) => settle(id, 0.01)));
  const after = await budgetOf('b');
  expect(after?.heldUsd).toBe(0);
  expect(after?.spentUsd).toBeLessThanOrEqual(0.3 + 1e-9);
});

test('another limit keeps what is spent, unless counting starts again; a removed one limits nothing', async () => {
  await set('c', 1);
  const task = await newTask('c');
  await reserve('c', task, 0.5);
  await settle(task, 0.5);
  expect(await set('c', 2)).toMatchObject({ limitUsd: 2, spentUsd: 0.5 });
  expect(await set('c', 2, true)).toMatchObject({ limitUsd: 2, spentUsd: 0 });
  expect(await removeTenantBudget(db, 'c')).toBe(true);
  expect(await removeTenantBudget(db, 'c')).toBe(false);
  expect(await reserve('c', await newTask('c'), 100)).toBe(true);
});
