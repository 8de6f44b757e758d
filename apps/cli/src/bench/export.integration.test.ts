import { openBenchmark } from '@acrouter/bench/bench-source';
import { coverageOf } from '@acrouter/bench/export-coverage';
import { runReplay } from '@acrouter/bench/run-replay';
import { insertAttempt } from '@acrouter/db/attempt-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import { storeContext } from '@acrouter/db/context-store';
import { insertDecisions } from '@acrouter/db/decision-store';
import { insertTasks } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../main';

let place: TestDatabase;
let db: Database;
let folder: string;

beforeAll(async () => {
  place = await createTestDatabase();
  db = openDatabase({ url: place.url, poolSize: 4 });
  folder = mkdtempSync(join(tmpdir(), 'acr-export-'));
  // a0 solved at once; a1 escalates, its first cost unknown; a2 is asked twice of one model; a3 is an outage.
  await task('a0', 'a', [['cheap', 1, 0.001]]);
  await task('a1', 'a', [
    ['cheap', 0, null],
    ['dear', 1, 0.02],
  ]);
  await task('a2', 'a', [
    ['dear', 0.5, 0.02],
    ['dear', 1, 0.02],
  ]);
  await task('a3', 'a', [['cheap', null, null]]);
  await task('b0', 'b', [['dear', 1, 0.5]]);
}, 60_000);

afterAll(async () => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
  await db.destroy();
  await place.drop();
});

type Try = [model: string, score: number | null, costUsd: number | null];

async function task(id: string, tenantId: string, tries: readonly Try[]): Promise<void> {
  await insertTasks(db, [
    {
      ...{
        id,
        tenantId,
        runId: null,
        externalId: `mine-${id}`,
        prompt: `SECRET of ${id}`,
        language: 'python',
      },
      ...{ dimension: 'algorithm', source: 'set', verification: null, metadata: {}, costWeight: 0.1 },
      ...{ limits: DEFAULT_LIMITS, traceparent: null },
    },
  ]);
  await storeContext(db, {
    ...{ taskId: id, dimension: 'algorithm', language: 'python', dimensionBy: 'given' },
    ...{ embedding: new Float32Array(384), embedder: 'hashed-1/384', neighbours: [] },
  });
  for (const [i, [model, score, costUsd]] of tries.entries()) {
    await decide(id, i + 1, model);
    await insertAttempt(db, id, i + 1, model);
    await db
      .updateTable('attempts')
      .set(score === null ? { status: 'outage' } : { status: 'recorded', score, passed: score === 1 })
      .where('task_id', '=', id)
      .where('attempt', '=', i + 1)
      .execute();
    await db
      .insertInto('ledger')
      .values({
        ...{ task_id: id, attempt: i + 1, call: 1, tenant_id: tenantId, run_id: null, model },
        ...{ reserved_usd: 1, held_usd: 0, price: '{"inputPerMillion":1,"outputPerMillion":2}' },
        ...(costUsd === null ? { state: 'unknown' } : { state: 'settled', cost_usd: costUsd }),
      })
      .execute();
  }
  await db
    .updateTable('tasks')
    .set({ phase: 'settled', outcome: 'solved', solved: true, score: 1, settled_at: new Date() })
    .where('id', '=', id)
    .execute();
}

async function decide(taskId: string, turn: number, model: string): Promise<void> {
  await insertDecisions(db, [
    {
      ...{ taskId, turn, action: 'attempt', attempt: turn, model, probability: 0.9, explored: false },
      ...{ policy: 'p', policyVersion: '1', reason: 'r', neighbours: [], attemptsLeft: 3 - turn },
      ...{ budgetLeftUsd: null, costWeight: 0.1, decideMs: 1 },
      candidates: ['cheap', 'dear'].map((m) => ({
        ...{ model: m, available: true, predictedScore: 0.5, predictedCostUsd: null, votes: {} },
        probability: m === model ? 0.9 : 0.1,
      })),
    },
  ]);
}

async function acr(...args: string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const catcher = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    return { code: await main(args), out };
  } finally {
    catcher.mockRestore();
  }
}

const exportTo = (name: string, ...more: string[]) =>
  acr('bench', 'export', '--database-url', place.url, '--out', join(folder, name), ...more);

const lines = (name: string, file: string) =>
  readFileSync(join(folder, name, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('what is exported is read back by the replay, unknown costs as unknown, one tenant only', async () => {
  const { code, out } = await exportTo('one', '--tenant', 'a', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    ...{ tasks: 4, results: 4, unknownCosts: 1, otherAttempts: 2, decisions: 6 },
  });
  expect(
    lines('one', 'results.jsonl').map((r) => [r['taskId'], r['model'], r['score'], r['costUsd']]),
  ).toEqual([
    ['a0', 'cheap', 1, 0.001],
    ['a1', 'cheap', 0, null],
    ['a1', 'dear', 1, 0.02],
    ['a2', 'dear', 0.5, 0.02],
  ]);
  const all = readdirSync(join(folder, 'one')).map((file) => readFileSync(join(folder, 'one', file), 'utf8'));
  expect(all.join('\n')).not.toMatch(/SECRET|b0/);
  const at = (file: string) => join(folder, 'one', file);
  const source = {
    data: {
      tasks: at('tasks.jsonl'),
      results: at('results.jsonl'),
      decisions: at('decisions.jsonl'),
      models: at('prices.json'),
    },
    prior: 'none',
  };
  const benchmark = openBenchmark(source);
  expect(coverageOf(benchmark)).toEqual({
    ...{ tasks: 3, models: 2, results: 4, tasksWithChoice: 1, complete: false },
  });
  expect(benchmark.models.map((m) => m.price)).toEqual(
    Array(2).fill({ inputPerMillion: 1, outputPerMillion: 2 }),
  );
  const options = {
    ...{ maxAttempts: 1, costWeight: 0.1, verifierNoise: 0, attemptPrice: 0 },
    unknownCost: 'mean' as const,
  };
  const policies = ['always:dear', 'logged:decisions'];
  const { rows } = await runReplay({ source, options, policies, orders: 1, workers: 0 });
  const row = (name: string) => rows.find((r) => r.policy === name);
  // a0 has no result of `dear`: it is offered `cheap` there, and is not scored 0.
  expect(row('always:dear')).toMatchObject({ avgPerf: 83.333, recordedShare: 0.667, costUsd: 0.041 });
  expect(row('logged:decisions')).toMatchObject({ tasks: 3, unknownCostAttempts: 1, costUsd: 0.041 });
});

test('prompts are there when asked for, and then serve the neighbours', async () => {
  expect((await exportTo('two', '--tenant', 'a', '--with-prompts')).code).toBe(0);
  const at = (file: string) => join(folder, 'two', file);
  expect(lines('two', 'tasks.jsonl')[0]).toMatchObject({
    id: 'a0',
    prompt: 'SECRET of a0',
    outcome: 'solved',
  });
  const data = { tasks: at('tasks.jsonl'), results: at('results.jsonl') };
  expect(openBenchmark({ data, prior: 'none' }).embeddedPrompts).toBe(3);
  expect(openBenchmark({ data, prior: 'none', neighbours: 'metadata' }).embeddedPrompts).toBeUndefined();
});

test('a time in the future leaves nothing, a folder with something in it is not touched', async () => {
  const { out } = await exportTo('three', '--tenant', 'a', '--since', '2999-01-01T00:00:00Z', '--json');
  expect(JSON.parse(out)).toMatchObject({ tasks: 0, results: 0 });
  const errors = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect((await exportTo('three')).code).toBe(2);
  expect((await exportTo('four', '--since', 'yesterday')).code).toBe(2);
  errors.mockRestore();
  expect(existsSync(join(folder, 'four'))).toBe(false);
  expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
