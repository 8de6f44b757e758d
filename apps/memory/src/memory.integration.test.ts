import { abandonAttempt, loadAttempt } from '@acrouter/db/attempt-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import { bytesToVector, loadContext } from '@acrouter/db/context-store';
import { followExperiences, insertExperiences } from '@acrouter/db/experience-store';
import { readStatistics } from '@acrouter/db/statistics-store';
import { closeUnknown, markSent, reserveCall } from '@acrouter/db/ledger-store';
import { feedbackOf } from '@acrouter/db/user-feedback-store';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { MODEL, openReplica, submit, verified } from './testing-stack';

let place: TestDatabase;
let db: Database;
let replica: ReturnType<typeof openReplica>;

beforeEach(async () => {
  place = await createTestDatabase();
  db = openDatabase({ url: place.url, poolSize: 8 });
  replica = openReplica(db);
});

afterEach(async () => {
  await replica.follower.beforeApplicationShutdown();
  await db.destroy();
  await place.drop();
});

const experiences = async () => (await followExperiences(db, null, 100)).rows;

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); await sleep(10))
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
}

describe('recall', () => {
  test('stores what the task is and tells the orchestrator', async () => {
    await submit(db, 't');
    const outbox = await replica.context.recall('t', 7);
    expect(outbox).toMatchObject([{ queue: 'decide', payload: { kind: 'context-ready', taskId: 't' } }]);
    const context = await loadContext(db, 't');
    expect(context).toMatchObject({
      dimension: 'code_generation',
      language: 'python',
      dimension_by: 'inferred',
      embedder: 'hashed-1/384',
      neighbours: [],
    });
    expect(bytesToVector(context!.embedding)).toHaveLength(384);
    const [stage] = await db.selectFrom('stage_times').selectAll().execute();
    expect(stage).toMatchObject({ task_id: 't', stage: 'recall', turn: 0, wait_ms: 7 });
    expect(stage!.work_ms).toBeGreaterThan(0);
  });

  test('what the submitter says goes before what the prompt looks like', async () => {
    await submit(db, 't', { language: 'JS', dimension: 'algorithm' });
    await submit(db, 'exotic', { language: ' Elixir ' });
    await replica.context.recall('t', 0);
    await replica.context.recall('exotic', 0);
    expect(await loadContext(db, 't')).toMatchObject({
      dimension: 'algorithm',
      language: 'javascript',
      dimension_by: 'given',
    });
    expect(await loadContext(db, 'exotic')).toMatchObject({ language: 'elixir' });
  });

  test('a repetition tells again and changes nothing', async () => {
    await submit(db, 't');
    await replica.context.recall('t', 1);
    const before = await loadContext(db, 't');
    expect(await replica.context.recall('t', 2)).toHaveLength(1);
    expect(await loadContext(db, 't')).toEqual(before);
    expect(await db.selectFrom('stage_times').select('wait_ms').execute()).toEqual([{ wait_ms: 1 }]);
  });

  test('a task that is settled or gone gets no answer', async () => {
    await submit(db, 't');
    await sql`update tasks set settled_at = now() where id = 't'`.execute(db);
    expect(await replica.context.recall('t', 0)).toEqual([]);
    expect(await replica.context.recall('nobody', 0)).toEqual([]);
  });

  test('finds experiences of the tenant, of models in the pool, of their kind, of this embedder', async () => {
    const embedding = new HashedEmbedder().embedNow(
      'Write a Python function that computes Fibonacci numbers.',
    );
    const base = {
      tenantId: 'default',
      attempt: 1,
      dimension: 'algorithm',
      language: 'python',
      source: null,
    };
    const judged = { score: 1, solved: true, costUsd: null, latencyMs: null, embedding, model: MODEL };
    const known = { ...base, ...judged, embedder: 'hashed-1/384', simulated: true };
    await db.transaction().execute(async (trx) => {
      await insertExperiences(trx, [{ ...known, taskKey: 'alike' }]);
      await insertExperiences(trx, [{ ...known, taskKey: 'real, same name', simulated: false }]);
      await insertExperiences(trx, [{ ...known, taskKey: 'not in the pool', model: 'gone' }]);
      await insertExperiences(trx, [{ ...known, taskKey: 'other tenant', tenantId: 'b' }]);
      await insertExperiences(trx, [{ ...known, taskKey: 'other space', embedder: 'http/x/384' }]);
      await insertExperiences(trx, [{ ...known, taskKey: 'damaged', embedding: embedding.slice(0, 9) }]);
    });
    await until(async () => (await experiences()).length === 6, 'the experiences');
    await submit(db, 't');
    await replica.context.recall('t', 0);
    expect((await loadContext(db, 't'))!.neighbours).toEqual([
      { taskId: 'alike', model: MODEL, score: 1, costUsd: null, similarity: expect.any(Number) },
    ]);
  });
});

describe('feedback', () => {
  beforeEach(async () => {
    await submit(db, 't', { source: 'ci' });
    await replica.context.recall('t', 0);
  });

  test('becomes feedback, experience, statistics and a message', async () => {
    await verified(db, 't', 1, { score: 1 });
    const outbox = await replica.feedback.commit('t', 1, 3);
    expect(outbox).toMatchObject([{ payload: { kind: 'attempt-finished', taskId: 't', attempt: 1 } }]);
    expect(await loadAttempt(db, 't', 1)).toMatchObject({ status: 'recorded' });
    expect(await feedbackOf(db, 't')).toMatchObject([
      { source: 'verifier', attempt: 1, value: { score: 1, passed: true, conclusive: true } },
    ]);
    await until(async () => (await experiences()).length === 1, 'the experience');
    expect((await experiences())[0]).toMatchObject({
      task_key: 't',
      source: 'ci',
      language: 'python',
      solved: true,
      cost_usd: 0.1,
      latency_ms: 5,
      simulated: true,
      embedder: 'hashed-1/384',
    });
    expect(await readStatistics(db, 'default', true)).toMatchObject([{ n: 1, solved: 1, model: MODEL }]);
    expect(
      await db.selectFrom('stage_times').selectAll().where('stage', '=', 'commit').execute(),
    ).toMatchObject([{ turn: 1, wait_ms: 3 }]);
  });

  test('delivered five times at once, it is learnt from once and told each time', async () => {
    await verified(db, 't', 1, { score: 0.25 });
    const told = await Promise.all([1, 2, 3, 4, 5].map(() => replica.feedback.commit('t', 1, 0)));
    expect(told.map((rows) => rows.length)).toEqual([1, 1, 1, 1, 1]);
    expect(await readStatistics(db, 'default', true)).toMatchObject([{ n: 1, score_sum: 0.25 }]);
    expect(await feedbackOf(db, 't')).toHaveLength(1);
  });

  test('what nothing could check is recorded, but teaches nothing', async () => {
    await verified(db, 't', 1, { score: 0, conclusive: false });
    expect(await replica.feedback.commit('t', 1, 0)).toHaveLength(1);
    expect(await loadAttempt(db, 't', 1)).toMatchObject({ status: 'recorded' });
    expect(await feedbackOf(db, 't')).toMatchObject([{ value: { conclusive: false } }]);
    expect(await readStatistics(db, 'default', true)).toEqual([]);
    expect(await db.selectFrom('experiences').select('id').execute()).toEqual([]);
  });

  test('that runs ahead of its verdict, or follows a cancellation, does nothing', async () => {
    expect(await replica.feedback.commit('t', 1, 0)).toEqual([]);
    expect(await replica.feedback.commit('nobody', 1, 0)).toEqual([]);
    await verified(db, 't', 1, { score: 1 });
    await abandonAttempt(db, 't', 1);
    expect(await replica.feedback.commit('t', 1, 0)).toEqual([]);
    expect(await readStatistics(db, 'default', true)).toEqual([]);
  });

  test('killed in the middle, it leaves nothing, and the next delivery does it all', async () => {
    await verified(db, 't', 1, { score: 1 });
    // The last write of the transaction fails, as if the process had died before its commit.
    await sql`create function die() returns trigger language plpgsql as $$ begin raise 'killed'; end $$`.execute(
      db,
    );
    await sql`create trigger die before insert on outbox_groups for each row execute function die()`.execute(
      db,
    );
    await expect(replica.feedback.commit('t', 1, 0)).rejects.toThrow('killed');
    expect(await loadAttempt(db, 't', 1)).toMatchObject({ status: 'verified' });
    expect(await feedbackOf(db, 't')).toEqual([]);
    expect(await readStatistics(db, 'default', true)).toEqual([]);
    await sql`drop trigger die on outbox_groups`.execute(db);
    expect(await replica.feedback.commit('t', 1, 0)).toHaveLength(1);
    expect(await readStatistics(db, 'default', true)).toMatchObject([{ n: 1 }]);
  });

  test('a call of unknown cost makes the cost of the experience unknown', async () => {
    const lost = { taskId: 't', attempt: 1, call: 2 };
    const price = { inputPerMillion: 1, outputPerMillion: 1 };
    const call = {
      ...lost,
      tenantId: 'default',
      runId: null,
      model: 'm',
      reserveUsd: 1,
      price,
      simulated: false,
    };
    await db.transaction().execute(async (trx) => {
      await reserveCall(trx, call);
      await markSent(trx, lost);
      await closeUnknown(trx, lost, { mayHaveBeenBilled: true, error: 'reset' });
    });
    await verified(db, 't', 1, { score: 1, simulated: false, model: 'm' });
    await replica.feedback.commit('t', 1, 0);
    const [statistics] = await readStatistics(db, 'default', false);
    expect(statistics).toMatchObject({ n: 1, cost_n: 0, unknown_costs: 1 });
  });

  test('is kept in the space of the embedder of now', async () => {
    const other = openReplica(db, new HashedEmbedder(64));
    await verified(db, 't', 1, { score: 1 });
    await other.feedback.commit('t', 1, 0);
    const [row] = await db.selectFrom('experiences').selectAll().execute();
    expect(row).toMatchObject({ embedder: 'hashed-1/64' });
    expect(row!.embedding).toHaveLength(4 * 64);
  });
});

test('another replica recalls within a second what this one committed', async () => {
  const other = openReplica(db);
  await other.follower.onApplicationBootstrap();
  await submit(db, 'first');
  await replica.context.recall('first', 0);
  await verified(db, 'first', 1, { score: 1 });
  await replica.feedback.commit('first', 1, 0);
  const committedMs = Date.now();
  // Longer than the promised second only while other test files hold transactions open on this server.
  await until(() => other.index.sizeOf('default') === 1, 'the other replica');
  process.stdout.write(`seen by the other replica after ${Date.now() - committedMs} ms\n`);
  await submit(db, 'second');
  await other.context.recall('second', 0);
  expect((await loadContext(db, 'second'))!.neighbours).toMatchObject([{ taskId: 'first', score: 1 }]);
  await other.follower.beforeApplicationShutdown();
});

test('a new replica fills its index from Postgres before it answers', async () => {
  await submit(db, 'first');
  await replica.context.recall('first', 0);
  for (const attempt of [1, 2, 3]) {
    await verified(db, 'first', attempt, { score: 0 });
    await replica.feedback.commit('first', attempt, 0);
  }
  await until(async () => (await experiences()).length === 3, 'the experiences');
  const fresh = openReplica(db);
  await submit(db, 'second');
  await fresh.context.recall('second', 0);
  expect(fresh.index.sizeOf('default')).toBe(3);
  expect((await loadContext(db, 'second'))!.neighbours).toHaveLength(3);
});
