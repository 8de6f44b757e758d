import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { initialState } from '@acrouter/domain/loop';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { Client } from 'pg';
import { answersStep, attemptFacts, attemptsStep, verdictsStep } from './attempt-store';
import { moveBudgets, lockBudgets } from './budget-moves';
import { attemptsToCheck } from './check-reads';
import { openDatabase, type Database } from './client';
import { loadContexts, storeContext } from './context-store';
import { insertLessons, recordAttempts, tasksToCommit } from './commit-store';
import { claimAttempts } from './lease-store';
import { callsOfAll, markCallsSent, releaseUnsent, reserveCalls, settleCalls } from './ledger-group-store';
import { enqueue } from './outbox-store';
import { tasksToRecall } from './recall-reads';
import { lockTasks, saveStates } from './state-store';
import { insertTasks, loadTasks } from './task-store';

let testDb: TestDatabase;
let db: Database;
/** Explains: EXPLAIN of a text with parameters, but without values, goes by the simple protocol alone. */
let plain: Client;

beforeAll(async () => {
  testDb = await createTestDatabase();
  // One connection, so that all statements are prepared on it.
  db = openDatabase({ url: testDb.url, poolSize: 1, byKey: true });
  await meetAll('t0');
  plain = new Client({ connectionString: testDb.url });
  await plain.connect();
  await plain.query('set enable_seqscan = off');
});
afterAll(async () => {
  await plain.end();
  await db.destroy();
  await testDb.drop();
});

const taskNamed = (id: string) => ({
  ...{ id, tenantId: 'default', runId: null, externalId: null, prompt: 'p', language: null, dimension: null },
  ...{ source: null, verification: null, metadata: {}, limits: DEFAULT_LIMITS, traceparent: null },
});

/** Carries one task from its submission to its lesson, through every statement of the loop. */
async function meetAll(taskId: string): Promise<void> {
  const key = { taskId, attempt: 1 };
  const payer = { taskId, runId: null, tenantId: 'default' };
  await insertTasks(db, [taskNamed(taskId)]);
  const verify = { queue: 'verify' as const, message: key, traceparent: null, expedited: false };
  const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
  const price = { inputPerMillion: 1, outputPerMillion: 1 };
  await saveStates(db, [{ id: taskId, version: 0, state: initialState(DEFAULT_LIMITS) }]);
  await enqueue(db, [], [attemptsStep([{ ...key, model: 'm' }])]);
  await reserveCalls(db, [
    { ...payer, attempt: 1, call: 1, model: 'm', reserveUsd: 1, price, simulated: true },
  ]);
  await lockBudgets(db, [payer]);
  await claimAttempts(db, [{ ...key, token: 'w' }], 10_000);
  await callsOfAll(db, [key]);
  await markCallsSent(db, [{ ...key, call: 1 }]);
  const moves = await settleCalls(db, [{ ...key, call: 1, usage, costUsd: 0.5, latencyMs: 1 }]);
  const answer = {
    ...key,
    ...usage,
    token: 'w',
    answer: 'a',
    responseModel: 'm',
    finishReason: 'stop',
    latencyMs: 1,
  };
  const stored = await enqueue(db, [verify], [answersStep([answer])], 'first');
  await moveBudgets(db, moves);
  await attemptsToCheck(db, [key]);
  const verdict = { ...key, passed: true, score: 1, confidence: 1, signals: [], verdict: {} };
  await enqueue(db, [{ ...verify, queue: 'feedback' }], [verdictsStep([verdict])], 'first');
  await recordAttempts(db, [key]);
  await insertLessons(db, [{ ...key, simulated: true, embedder: 'e', embedding: Buffer.alloc(4) }]);
  await attemptFacts(db, [key]);
  await loadTasks(db, [taskId]);
  await loadContexts(db, [taskId]);
  await lockTasks(db, [taskId]);
  await tasksToRecall(db, [taskId]);
  await tasksToCommit(db, [taskId]);
  await releaseUnsent(db, [taskId]);
  expect(stored).toMatchObject([{ queue: 'verify', group: { open: 1 } }]);
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

/** Tables of one page at most whatever the load: a scan of them is a lookup. */
const SMALL = new Set(['runs', 'budgets', 'statistics', 'model_health']);
const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Reads of tables that are not lookups by the first column of a key, one line each. */
async function scansOf(statement: string): Promise<string[]> {
  const { rows } = await plain.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (generic_plan, format json) ${statement}`,
  );
  const nodes = rows.flatMap((row) => nodesOf(row['QUERY PLAN'][0].Plan));
  return nodes
    .filter((n) => n['Relation Name'] ?? n['Index Name'])
    .filter((n) => !/^ModifyTable|^Bitmap Heap/.test(n['Node Type']) && !SMALL.has(n['Relation Name'] ?? ''))
    .filter((n) => !/\((?:task_|tenant_)?id = /.test(n['Index Cond'] ?? ''))
    .map(
      (n) =>
        `${n['Node Type']} ${n['Relation Name'] ?? n['Index Name']} ${n['Index Cond'] ?? ''}: ${statement}`,
    );
}

async function preparedStatements(): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`
    select statement from pg_prepared_statements where name like 'acr_%'`.execute(db);
  return rows.map((row) => row.statement);
}

test('the statements of the loop are prepared, and none gives back all columns of a table', async () => {
  const statements = await preparedStatements();
  expect(statements.length).toBeGreaterThanOrEqual(20);
  // A migration that adds a column would change the result of a plan that is kept, which Postgres refuses.
  expect(statements.filter((s) => /(?:returning|^\s*select)\s+(?:\w+\.)?\*/m.test(s))).toEqual([]);
});

test.each([
  ['empty', 0],
  // Autovacuum analyses a table after 50 changes: some 20 tasks.
  ['a page long and analysed', 20],
])(
  'find their rows by key while the tables are %s: their plans are kept while the tables grow',
  async (_, tasks) => {
    for (let i = 1; i < tasks; i++) await meetAll(`t${i}`);
    if (tasks > 0) await sql`analyze`.execute(db);
    const scans: string[] = [];
    for (const statement of await preparedStatements()) scans.push(...(await scansOf(statement)));
    expect(scans).toEqual([]);
  },
);

test('a context has room for the vectors of any embedder', async () => {
  const embedding = new Float32Array(4_096).fill(1 / 64);
  await insertTasks(db, [taskNamed('long')]);
  const rest = { dimension: 'algorithm', language: 'python', dimensionBy: 'given' as const, embedder: 'e' };
  await storeContext(db, { taskId: 'long', embedding, neighbours: [], ...rest });
  expect((await loadContexts(db, ['long'])).get('long')?.embedding).toHaveLength(4 * 4_096);
});
