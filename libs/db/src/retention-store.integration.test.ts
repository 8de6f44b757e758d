import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { insertAttempt } from './attempt-store';
import { setTenantBudget } from './budget-store';
import { openDatabase, type Database } from './client';
import { readDeletedSums } from './deleted-sums';
import { insertEvents } from './event-store';
import { insertRun } from './run-store';
import { countDue, takeDue, type RetentionPolicy } from './retention-store';
import { insertTasks, loadTask } from './task-store';

let testDb: TestDatabase;
let db: Database;
beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 8 });
});
afterAll(async () => {
  await db.destroy();
  await testDb.drop();
});
beforeEach(async () => {
  for (const table of ['events', 'tasks', 'runs', 'budgets', 'experiences', 'task_days', 'ledger_days'])
    await sql`delete from ${sql.table(table)}`.execute(db);
});

const POLICY: RetentionPolicy = { textDays: 10, taskDays: 100, eventDays: 5 };
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** A task with one answered attempt and one call of $0.5, settled so many days ago; `null`: not settled. */
async function settled(id: string, days: number | null, runId: string | null = null): Promise<void> {
  const texts = { externalId: null, language: null, dimension: null, source: null, traceparent: null };
  const limits = { ...DEFAULT_LIMITS, maxCostUsd: 5 };
  await insertTasks(db, [
    {
      ...texts,
      id,
      tenantId: 't',
      runId,
      prompt: 'secret',
      verification: { tests: 'x' },
      metadata: { a: 1 },
      limits,
    },
  ]);
  await insertAttempt(db, id, 1, 'm');
  const attempt = { answer: 'secret', signals: '[]', status: 'recorded' as const, score: 1 };
  await db.updateTable('attempts').set(attempt).where('task_id', '=', id).execute();
  const line = { task_id: id, attempt: 1, tenant_id: 't', run_id: runId, model: 'm', price: '{}' };
  await db
    .insertInto('ledger')
    .values([
      { ...line, call: 1, state: 'settled', reserved_usd: 1, held_usd: 0, cost_usd: 0.5, input_tokens: 7 },
      { ...line, call: 2, state: 'unknown', reserved_usd: 1, held_usd: 1 },
      { ...line, call: 3, state: 'released', reserved_usd: 1, held_usd: 0 },
    ])
    .execute();
  await insertEvents(db, [{ tenantId: 't', runId, taskId: id, type: 'task.settled', data: {} }]);
  if (days !== null)
    await db
      .updateTable('tasks')
      .set({ settled_at: daysAgo(days), outcome: 'solved', phase: 'settled' })
      .where('id', '=', id)
      .execute();
}

const ids = async (): Promise<string[]> =>
  (await db.selectFrom('tasks').select('id').orderBy('id').execute()).map((r) => r.id);

describe('retention', () => {
  test('erases texts first, deletes rows later, and leaves what is young or not settled', async () => {
    await settled('open', null);
    await settled('young', 9);
    await settled('middle', 11);
    await settled('old', 101);
    const due = await countDue(db, POLICY);
    expect(due).toMatchObject({ texts: 2, tasks: 0, events: 0 });
    expect(await takeDue(db, POLICY)).toMatchObject({ texts: 2, tasks: 1 });
    expect(await ids()).toEqual(['middle', 'open', 'young']);
    expect(await loadTask(db, 'middle')).toMatchObject({
      prompt: '',
      verification: null,
      metadata: {},
      outcome: 'solved',
    });
    expect(await loadTask(db, 'young')).toMatchObject({ prompt: 'secret', erased_at: null });
    const answers = await db
      .selectFrom('attempts')
      .select(['task_id', 'answer', 'score'])
      .orderBy('task_id')
      .execute();
    expect(answers.map((a) => [a.task_id, a.answer, a.score])).toEqual([
      ['middle', null, 1],
      ['open', 'secret', 1],
      ['young', 'secret', 1],
    ]);
    expect(await takeDue(db, POLICY)).toEqual({
      texts: 0,
      tasks: 0,
      runs: 0,
      events: 0,
      'idempotency-keys': 0,
      outbox: 0,
    });
  });

  test('keeps the sums of what it deletes: for reports, and what unknown calls hold for budgets', async () => {
    await settled('a', 200);
    await settled('b', 150);
    const of = (since: Date | null) => readDeletedSums(db, { tenantId: 't', since, until: null });
    await takeDue(db, POLICY);
    const both = { tasks: 2, solved: 2, calls: 4, costUsd: 1, unknownCalls: 2 };
    expect(await of(null)).toEqual(both);
    expect(await of(daysAgo(160))).toEqual({
      ...both,
      tasks: 1,
      solved: 1,
      calls: 2,
      costUsd: 0.5,
      unknownCalls: 1,
    });
    expect(await readDeletedSums(db, { tenantId: 'other', since: null, until: null })).toMatchObject({
      tasks: 0,
      costUsd: 0,
    });
    const budget = await db.transaction().execute((trx) => setTenantBudget(trx, 't', 10, false));
    expect(budget.heldUsd).toBe(2);
    // The budgets of the deleted tasks are gone with them.
    expect(await db.selectFrom('budgets').select('scope').execute()).toEqual([{ scope: 'tenant' }]);
  });

  test('takes runs with their last task, never experiences', async () => {
    for (const id of ['gone', 'stays'])
      await insertRun(db, {
        id,
        tenantId: 't',
        name: null,
        maxCostUsd: 1,
        expectedTasks: null,
        metadata: {},
      });
    await db
      .updateTable('runs')
      .set({ created_at: daysAgo(300) })
      .execute();
    await settled('a', 200, 'gone');
    await settled('b', 200, 'stays');
    await settled('c', null, 'stays');
    const experience = {
      tenant_id: 't',
      task_key: 'a',
      attempt: 1,
      dimension: 'd',
      language: 'l',
      model: 'm',
    };
    await db
      .insertInto('experiences')
      .values({ ...experience, score: 1, solved: true, embedding: Buffer.alloc(4), embedder: 'e' })
      .execute();
    expect(await takeDue(db, POLICY)).toMatchObject({ tasks: 2, runs: 1 });
    expect(await db.selectFrom('runs').select('id').execute()).toEqual([{ id: 'stays' }]);
    expect(await db.selectFrom('experiences').select('task_key').execute()).toEqual([{ task_key: 'a' }]);
  });

  test('takes old events, keys and messages, however many, in any number of batches', async () => {
    await settled('a', 1);
    await sql`insert into events (tenant_id, task_id, type, data, at)
      select 't', 'a', 'x', '{}', now() - interval '6 days' from generate_series(1, 4500)`.execute(db);
    // The young event has a lower number than the old ones: they are found all the same.
    await sql`insert into idempotency_keys (tenant_id, key, body_hash, expires_at)
      select 't', 'k' || n, '', now() - interval '1 day' from generate_series(1, 450) n`.execute(db);
    await sql`insert into outbox_groups (messages, created_at)
      values ('[]', now() - interval '8 days')`.execute(db);
    expect(await takeDue(db, POLICY)).toMatchObject({ events: 4_500, 'idempotency-keys': 450, outbox: 1 });
    expect(await db.selectFrom('events').select('type').execute()).toEqual([{ type: 'task.settled' }]);
  });

  test('never is never, and texts do not outlive their task', async () => {
    await settled('a', 5_000);
    expect(await takeDue(db, { textDays: 0, taskDays: 0, eventDays: 0 })).toMatchObject({
      texts: 0,
      tasks: 0,
    });
    expect(await takeDue(db, { textDays: 0, taskDays: 100, eventDays: 0 })).toMatchObject({
      texts: 1,
      tasks: 1,
    });
  });

  test('several at once take each row once; who finds another at it leaves', async () => {
    for (let i = 0; i < 20; i++) await settled(`t${i}`, 200);
    const all = await Promise.all(Array.from({ length: 4 }, () => takeDue(db, POLICY)));
    const rest = await takeDue(db, POLICY);
    const sum = [...all, rest].reduce((n, taken) => n + (taken?.tasks ?? 0), 0);
    expect(await ids()).toEqual([]);
    const { rows } = await sql<{ n: number }>`select sum(tasks)::int as n from task_days`.execute(db);
    expect([sum, rows[0]?.n]).toEqual([20, 20]);
  });
});
