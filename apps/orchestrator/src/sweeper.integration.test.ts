import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readEnv } from '@acrouter/config/env';
import { insertAttempt, loadAttempt } from '@acrouter/db/attempt-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import type { OutboxRow } from '@acrouter/db/outbox-store';
import { lockTasks, saveStates } from '@acrouter/db/state-store';
import { insertTasks } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import type { OutboxRelay } from '@acrouter/service/outbox-relay';
import { createLogger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { Sweeper } from './sweeper';

let testDb: TestDatabase;
let db: Database;
let published: OutboxRow[] = [];
let sweeper: Sweeper;

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url });
  const env = readEnv({ ACR_DATABASE_URL: testDb.url, ACR_SWEEP_IDLE_MS: '1000' });
  const relay = { publish: (rows: OutboxRow[]) => Promise.resolve(void published.push(...rows)) };
  const pool = { models: [{ id: 'here' }] } as never;
  const log = createLogger('test', 'silent');
  sweeper = new Sweeper(db, env, pool, log, relay as unknown as OutboxRelay, new Metrics('test'));
});
afterAll(async () => {
  await db.destroy();
  await testDb.drop();
});

/** A task whose attempt 1 on `model` has been executing for an hour without a sign of life. */
async function stuckOn(id: string, model: string) {
  const limits = DEFAULT_LIMITS;
  const texts = { externalId: null, language: null, dimension: null, source: null, traceparent: null };
  await insertTasks(db, [
    { ...texts, id, tenantId: 'default', runId: null, prompt: 'p', verification: null, metadata: {}, limits },
  ]);
  await db.transaction().execute(async (trx) => {
    const task = (await lockTasks(trx, [id])).get(id);
    if (!task) throw new Error('no task');
    const attempts = [{ attempt: 1, model, reserveUsd: 0.1, result: null }];
    const state = { ...task.state, phase: 'attempting' as const, turn: 1, attempts };
    await saveStates(trx, [{ id, version: task.state_version, state }]);
    await insertAttempt(trx, id, 1, model);
  });
  await db
    .updateTable('tasks')
    .set({ progressed_at: new Date(Date.now() - 3_600_000), admitted_at: new Date() })
    .where('id', '=', id)
    .execute();
}

test('work that nobody seems to do is published again, once per wait', async () => {
  await stuckOn('a', 'here');
  await sweeper.sweep();
  await sweeper.sweep();
  expect(published.map((r) => [r.queue, r.key, r.payload])).toEqual([
    ['execute', 'here', { taskId: 'a', attempt: 1, model: 'here' }],
  ]);
});

test('a task that waits for its admission is not stuck', async () => {
  published = [];
  await stuckOn('queued', 'here');
  await db.updateTable('tasks').set({ admitted_at: null }).where('id', '=', 'queued').execute();
  await sweeper.sweep();
  expect(published).toEqual([]);
});

test('an attempt of a model that has left the pool ends as an outage, so that another is chosen', async () => {
  published = [];
  await stuckOn('b', 'gone');
  await sweeper.sweep();
  expect(published.map((r) => r.payload)).toEqual([{ kind: 'attempt-finished', taskId: 'b', attempt: 1 }]);
  expect(await loadAttempt(db, 'b', 1)).toMatchObject({
    status: 'outage',
    error: { code: 'ACR_UNKNOWN_MODEL' },
  });
});
