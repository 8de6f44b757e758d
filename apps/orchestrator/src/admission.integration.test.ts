import type { Env } from '@acrouter/config/env';
import { readInFlight, tellQueued } from '@acrouter/db/admission-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import type { OutboxRow } from '@acrouter/db/outbox-store';
import { listTenants, setTenantWeight } from '@acrouter/db/tenant-store';
import { insertTasks, loadTask, requestCancel, type NewTask } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import type { OutboxRelay } from '@acrouter/service/outbox-relay';
import { createLogger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdmissionRounds } from './admission-rounds';
import { AdmissionService } from './admission.service';
import { Departures } from './departures';

let testDb: TestDatabase;
let db: Database;
let published: OutboxRow[] = [];

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 12 });
});
afterAll(async () => {
  await db.destroy();
  await testDb.drop();
});
beforeEach(async () => {
  published = [];
  await db.deleteFrom('outbox_groups').execute();
  await db.deleteFrom('tasks').execute();
  await db.deleteFrom('tenant_shares').execute();
  await db.updateTable('admission_clock').set({ virtual_time: 0, pace: 0, in_flight: 0 }).execute();
});

/** An orchestrator's admission; what it publishes is collected. */
function admitter(window: number): AdmissionService {
  const relay = { publish: (rows: OutboxRow[]) => Promise.resolve(void published.push(...rows)) };
  const metrics = new Metrics('test');
  return new AdmissionService(
    db,
    { ACR_WINDOW: window },
    relay as unknown as OutboxRelay,
    metrics,
    new Departures(db, metrics),
  );
}

let n = 0;
async function submit(tenantId: string, count: number, over: Partial<NewTask> = {}): Promise<string[]> {
  const texts = { externalId: null, language: null, dimension: null, source: null, traceparent: null };
  const tasks = Array.from({ length: count }, () => ({
    ...texts,
    id: `task-${String(++n).padStart(6, '0')}`,
    tenantId,
    runId: null,
    prompt: 'p',
    verification: null,
    metadata: {},
    limits: DEFAULT_LIMITS,
    ...over,
  }));
  await insertTasks(db, tasks);
  return tasks.map((t) => t.id);
}

async function inLoop(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { tenantId, tasks } of await readInFlight(db))
    counts[tenantId] = (counts[tenantId] ?? 0) + tasks;
  return counts;
}
const admittedIds = () => published.map((r) => r.payload['taskId']);

describe('admission', () => {
  test('fills the window with the oldest tasks, publishes each once, and waits while it is full', async () => {
    const ids = await submit('a', 30);
    const service = admitter(10);
    expect(await service.round()).toBe('waiting');
    expect(await service.round()).toBe('waiting');
    expect(admittedIds().sort()).toEqual(ids.slice(0, 10));
    expect(published.every((r) => r.queue === 'context' && !r.expedited)).toBe(true);
    await db
      .updateTable('tasks')
      .set({ settled_at: new Date() })
      .where('id', 'in', ids.slice(0, 3))
      .execute();
    await service.round();
    expect(admittedIds().slice(10).sort()).toEqual(ids.slice(10, 13));
  });

  test('any number of orchestrators at the same time let in each task once and never too many', async () => {
    await submit('a', 150);
    await submit('b', 150, { priority: 'high' });
    const services = Array.from({ length: 6 }, () => admitter(30));
    await Promise.all(services.map((s) => s.round()));
    await Promise.all(services.map((s) => s.round()));
    expect(new Set(admittedIds()).size).toBe(published.length);
    expect(await inLoop()).toEqual({ a: 15, b: 15 });
    const stored = await db.selectFrom('outbox_groups').select('messages').execute();
    expect(stored.flatMap((g) => g.messages)).toHaveLength(30);
  });

  test('a tenant that comes to a full loop is let in, and its messages overtake', async () => {
    await submit('flood', 500);
    const service = admitter(30);
    await service.round();
    published = [];
    const [id] = await submit('small', 1);
    await service.round();
    expect(published).toMatchObject([{ payload: { taskId: id }, expedited: true }]);
    expect(await inLoop()).toEqual({ flood: 30, small: 1 });
  });

  test('weights that an admin set hold from round to round', async () => {
    await setTenantWeight(db, 'heavy', 3);
    await setTenantWeight(db, 'heavy', 4);
    await submit('heavy', 300);
    await submit('light', 300);
    const service = admitter(25);
    for (let round = 0; round < 4; round++) {
      await service.round();
      await db
        .updateTable('tasks')
        .set({ settled_at: new Date() })
        .where('admitted_at', 'is not', null)
        .execute();
    }
    expect(await listTenants(db)).toEqual([
      { tenantId: 'heavy', weight: 4, queued: 220, inLoop: 0, admitted: 80 },
      { tenantId: 'light', weight: 1, queued: 280, inLoop: 0, admitted: 20 },
    ]);
  });

  test('a task that is being cancelled right now is passed over, not waited for', async () => {
    const [first, second] = await submit('a', 2);
    await db.transaction().execute(async (trx) => {
      await requestCancel(trx, 'a', first ?? '');
      await admitter(10).round();
    });
    expect(admittedIds()).toEqual([second]);
  });
});

describe('leaving the queue', () => {
  test('cancelled and late tasks are settled without a message, others stay', async () => {
    const soon = { ...DEFAULT_LIMITS, deadlineAtMs: Date.now() - 1 };
    const later = { ...DEFAULT_LIMITS, deadlineAtMs: Date.now() + 3_600_000 };
    const [cancelled] = await submit('a', 1);
    const [late] = await submit('a', 1, { limits: soon });
    const [waiting] = await submit('a', 1, { limits: later });
    await requestCancel(db, 'a', cancelled ?? '');
    await admitter(1).round();
    expect(await loadTask(db, cancelled ?? '')).toMatchObject({ phase: 'settled', outcome: 'cancelled' });
    expect(await loadTask(db, late ?? '')).toMatchObject({
      phase: 'settled',
      outcome: 'expired',
      solved: false,
    });
    expect(admittedIds()).toEqual([waiting]);
    const events = await db
      .selectFrom('events')
      .select(['task_id', 'type'])
      .where('task_id', 'in', [cancelled ?? '', late ?? ''])
      .orderBy('task_id')
      .execute();
    expect(events).toEqual([cancelled, late].map((task_id) => ({ task_id, type: 'task.settled' })));
  });

  test('thousands that are cancelled while the loop is full leave in a few rounds', async () => {
    const ids = await submit('a', 1_200);
    const service = admitter(1);
    await service.round();
    await db
      .updateTable('tasks')
      .set({ cancel_requested_at: new Date() })
      .where('admitted_at', 'is', null)
      .execute();
    expect([await service.round(), await service.round(), await service.round()]).toEqual([
      'more',
      'more',
      'waiting',
    ]);
    expect(await service.round()).toBe('nothing');
    expect((await loadTask(db, ids.at(-1) ?? ''))?.outcome).toBe('cancelled');
  });
});

describe('rounds', () => {
  let rounds: AdmissionRounds | null = null;
  afterEach(() => rounds?.beforeApplicationShutdown());

  const until = async (done: () => boolean): Promise<void> => {
    for (const end = Date.now() + 30_000; !done() && Date.now() < end;) await sleep(10);
  };

  test('begin with what is there, come with a notification, and with each place that gets free', async () => {
    const env = { ACR_DATABASE_URL: testDb.url } as Env;
    const ids = await submit('a', 2);
    rounds = new AdmissionRounds(env, createLogger('test', 'silent'), admitter(1));
    await rounds.onApplicationBootstrap();
    await until(() => published.length === 1);
    await db
      .updateTable('tasks')
      .set({ settled_at: new Date() })
      .where('id', '=', ids[0] ?? '')
      .execute();
    rounds.placeFreed();
    await until(() => published.length === 2);
    await db.updateTable('tasks').set({ settled_at: new Date() }).execute();
    const [third] = await submit('a', 1);
    await tellQueued(db);
    await until(() => published.length === 3);
    expect(admittedIds()).toEqual([...ids, third]);
  });
});
