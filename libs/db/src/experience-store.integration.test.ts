import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { openDatabase, type Database } from './client';
import { bytesToVector } from './context-store';
import {
  adoptRestoredExperiences,
  exportExperiences,
  countExperiences,
  followExperiences,
  insertExperiences,
  trimExperiences,
  type ExperienceCursor,
  type ExperienceRow,
  type NewExperience,
} from './experience-store';
import { readStatistics } from './statistics-store';

let place: TestDatabase;
let db: Database;

beforeEach(async () => {
  place = await createTestDatabase();
  db = openDatabase({ url: place.url, poolSize: 12 });
});

afterEach(async () => {
  await db.destroy();
  await place.drop();
});

const experience = (taskKey: string, changes: Partial<NewExperience> = {}): NewExperience => ({
  tenantId: 'default',
  taskKey,
  attempt: 1,
  dimension: 'algorithm',
  language: 'python',
  source: null,
  model: 'm',
  score: 0.5,
  solved: false,
  costUsd: 0.25,
  latencyMs: 100,
  embedding: Float32Array.of(0.6, 0.8),
  embedder: 'e/2',
  simulated: false,
  ...changes,
});

const insert = (...experiences: NewExperience[]) =>
  db.transaction().execute((trx) => insertExperiences(trx, experiences));

/**
 * A reader that remembers what it saw. Other test files share the server and their open transactions hold it
 * up, so it waits for `count` rows.
 */
function follower(limit = 3) {
  const seen: ExperienceRow[] = [];
  let cursor: ExperienceCursor | null = null;
  const read = async () => {
    for (;;) {
      const next = await followExperiences(db, cursor, limit);
      cursor = next.cursor;
      seen.push(...next.rows);
      if (next.rows.length < limit) return;
    }
  };
  const readUntil = async (count: number) => {
    for (const deadline = Date.now() + 10_000; seen.length < count; await sleep(10)) {
      await read();
      if (Date.now() > deadline) throw new Error(`Saw ${seen.length} of ${count} experiences`);
    }
    return seen;
  };
  return { keys: () => seen.map((r) => r.task_key), read, readUntil };
}

test('an experience comes back as it went in, and is counted once', async () => {
  expect(await insert(experience('a'))).toBe(1);
  expect(await insert(experience('a', { score: 1, model: 'other' }), experience('b'))).toBe(1);
  const rows = await follower().readUntil(2);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({ task_key: 'a', score: 0.5, cost_usd: 0.25, embedder: 'e/2' });
  expect(Array.from(bytesToVector(rows[0]!.embedding))).toEqual(Array.from(Float32Array.of(0.6, 0.8)));
  expect(await readStatistics(db, 'default', false)).toMatchObject([{ model: 'm', n: 2, score_sum: 1 }]);
});

test('statistics keep unknown costs, kinds, languages and tenants apart', async () => {
  await insert(
    experience('a', { score: 1, solved: true }),
    experience('b', { costUsd: null, latencyMs: null }),
    experience('c', { simulated: true, score: 1 }),
    experience('d', { language: 'javascript' }),
    experience('e', { tenantId: 'other' }),
  );
  await insert(experience('f', { costUsd: 0.75 }));
  const [javascript, python, ...more] = await readStatistics(db, 'default', false);
  expect(more).toEqual([]);
  expect(javascript).toMatchObject({ language: 'javascript', n: 1 });
  expect(python).toMatchObject({ n: 3, solved: 1, score_sum: 2, score_sq_sum: 1.5 });
  expect(python).toMatchObject({ cost_n: 2, cost_sum_usd: 1, unknown_costs: 1 });
  expect(python).toMatchObject({ latency_n: 2, latency_sum_ms: 200 });
  expect(await readStatistics(db, 'default', true)).toMatchObject([{ n: 1, simulated: true }]);
  expect(await readStatistics(db, 'other', false)).toMatchObject([{ n: 1 }]);
});

test('a rolled back experience leaves nothing behind', async () => {
  const failing = db.transaction().execute(async (trx) => {
    await insertExperiences(trx, [experience('a')]);
    throw new Error('killed in the middle');
  });
  await expect(failing).rejects.toThrow('killed');
  expect((await followExperiences(db, null, 10)).rows).toEqual([]);
  expect(await readStatistics(db, 'default', false)).toEqual([]);
});

test('a transaction that commits late is seen, once, by every follower', async () => {
  const [early, late] = [follower(), follower()];
  const slow = new Client({ connectionString: place.url });
  await slow.connect();
  await slow.query('begin');
  await slow.query(`insert into experiences
    (tenant_id, task_key, attempt, dimension, language, model, score, solved, embedding, embedder)
    values ('default', 'slow', 1, 'algorithm', 'python', 'm', 1, true, '\\x0000803f', 'e/1')`);
  await insert(experience('fast'));
  await early.read();
  // `fast` has the higher ids; read now, it would carry the cursor past `slow`.
  expect(early.keys()).toEqual([]);
  await slow.query('commit');
  await slow.end();
  await early.readUntil(2);
  await late.readUntil(2);
  expect(early.keys()).toEqual(['slow', 'fast']);
  expect(late.keys()).toEqual(early.keys());
});

test('many writers at once, some of them rolling back: all followers see the same, once', async () => {
  const followers = [follower(2), follower(7), follower(100)];
  let writing = true;
  const reading = followers.map(async (f) => {
    while (writing) await f.read();
  });
  const writers = Array.from({ length: 8 }, async (_, w) => {
    for (let i = 0; i < 25; i++) {
      const work = db.transaction().execute(async (trx) => {
        await insertExperiences(trx, [experience(`${w}-${i}`)]);
        await sql`select pg_sleep(${((w * 7 + i * 3) % 10) / 1000})`.execute(trx);
        if (i % 5 === 4) throw new Error('rolled back');
      });
      await work.catch(() => undefined);
    }
  });
  await Promise.all(writers);
  writing = false;
  await Promise.all(reading);
  for (const f of followers) await f.readUntil(160);
  const expected = Array.from({ length: 200 }, (_, n) => `${Math.floor(n / 25)}-${n % 25}`).filter(
    (key) => Number(key.split('-')[1]) % 5 !== 4,
  );
  expect([...followers[0]!.keys()].sort()).toEqual(expected.sort());
  expect(followers[1]!.keys()).toEqual(followers[0]!.keys());
  expect(followers[2]!.keys()).toEqual(followers[0]!.keys());
  expect(await readStatistics(db, 'default', false)).toMatchObject([{ n: 160 }]);
});

test('parallel imports of overlapping sets count every experience once', async () => {
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
  const models = ['m1', 'm2', 'm3'];
  const sets = [keys, keys.slice(10), keys.slice(0, 40)];
  const added = await Promise.all(
    sets.map((set) => insert(...set.map((k) => experience(k, { model: models[k.length % 3]! })))),
  );
  expect(added.reduce((a, b) => a + b)).toBe(50);
  const statistics = await readStatistics(db, 'default', false);
  expect(statistics.reduce((sum, s) => sum + s.n, 0)).toBe(50);
});

test('trimming keeps the newest of each tenant and their statistics', async () => {
  for (let i = 0; i < 8; i++) await insert(experience(`a${i}`), experience(`b${i}`, { tenantId: 'b' }));
  await insert(experience('c0', { tenantId: 'c' }));
  expect(await trimExperiences(db, 5, 2)).toBe(4);
  expect(await trimExperiences(db, 5)).toBe(2);
  expect(await trimExperiences(db, 5)).toBe(0);
  const rows = await follower().readUntil(11);
  expect(rows.filter((r) => r.tenant_id === 'default').map((r) => r.task_key)).toEqual([
    'a3',
    'a4',
    'a5',
    'a6',
    'a7',
  ]);
  expect(rows.filter((r) => r.tenant_id === 'c')).toHaveLength(1);
  expect(await readStatistics(db, 'default', false)).toMatchObject([{ n: 8 }]);
});

test('rows restored from another server become visible', async () => {
  await insert(experience('restored'), experience('own'));
  await sql`update experiences set xid = '4000000000000'::xid8 where task_key = 'restored'`.execute(db);
  const [before, after] = [follower(), follower()];
  await before.readUntil(1);
  expect(before.keys()).toEqual(['own']);
  expect(await adoptRestoredExperiences(db)).toBe(1);
  await after.readUntil(2);
  expect(after.keys()).toEqual(['own', 'restored']);
  expect(await adoptRestoredExperiences(db)).toBe(0);
});

test('export pages through one tenant, and counts tell the vector spaces', async () => {
  await insert(
    ...['a', 'b', 'c'].map((k) => experience(k)),
    experience('a', { attempt: 2, embedder: 'f/2' }),
    experience('x', { tenantId: 'other' }),
  );
  const first = await exportExperiences(db, 'default', 0, 3);
  const second = await exportExperiences(db, 'default', first.at(-1)!.id, 3);
  expect([...first, ...second].map((r) => [r.task_key, r.attempt, r.prompt])).toEqual([
    ['a', 1, null],
    ['b', 1, null],
    ['c', 1, null],
    ['a', 2, null],
  ]);
  expect(await countExperiences(db, 'default')).toEqual([
    { embedder: 'e/2', simulated: false, experiences: 3, tasks: 3 },
    { embedder: 'f/2', simulated: false, experiences: 1, tasks: 1 },
  ]);
});
