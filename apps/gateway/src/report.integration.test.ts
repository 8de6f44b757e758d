import { reportSchema, type Report } from '@acrouter/contracts/http-report';
import { insertAttempt } from '@acrouter/db/attempt-store';
import { decisionsStep } from '@acrouter/db/decision-store';
import { markSent, reserveCall, settleCall } from '@acrouter/db/ledger-store';
import { storePairs } from '@acrouter/db/opinion-store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
let runId: string;
let cheap: string;
let strongest: string;

const ACCEPTED = new Date('2026-01-02T03:04:05Z');

interface Try {
  model: string;
  score: number | null;
  costUsd: number | null;
  outputTokens: number;
  explored?: boolean;
}

/** Writes a settled task's history as the services would have left it. Each attempt is one call. */
async function history(taskId: string, tries: Try[], seconds: number): Promise<void> {
  const { db } = gateway.context;
  for (const [i, t] of tries.entries()) {
    const attempt = i + 1;
    await decisionsStep([
      {
        taskId,
        turn: attempt,
        action: 'attempt',
        attempt,
        model: t.model,
        probability: 1,
        explored: t.explored ?? false,
        policy: 'p',
        policyVersion: '1',
        reason: 'r',
        candidates: [],
        attemptsLeft: 1,
        budgetLeftUsd: null,
        costWeight: 0.1,
        decideMs: 1,
        timing: { waitMs: 30, workMs: 2 },
      },
    ]).execute(db);
    await insertAttempt(db, taskId, attempt, t.model);
    const judged = { status: 'recorded' as const, score: t.score, passed: t.score === 1, confidence: 1 };
    await db
      .updateTable('attempts')
      .set({
        ...{ answered_at: new Date(), execute_wait_ms: 10, execute_work_ms: 400 },
        ...(t.score === null ? { status: 'outage' as const } : { ...judged, output_tokens: t.outputTokens }),
        ...(t.score === null ? {} : { input_tokens: 1_000 }),
      })
      .where('task_id', '=', taskId)
      .where('attempt', '=', attempt)
      .execute();
    const known = t.costUsd === null ? {} : { cost_usd: t.costUsd, input_tokens: 1_000 };
    await db
      .insertInto('ledger')
      .values({
        ...{ task_id: taskId, attempt, call: 1, tenant_id: 'default', run_id: runId, model: t.model },
        ...{ reserved_usd: 1, held_usd: 0, price: '{}', simulated: true },
        state: t.costUsd === null ? 'unknown' : 'settled',
        ...known,
        ...(t.costUsd === null ? {} : { output_tokens: t.outputTokens }),
      })
      .execute();
  }
  const last = tries.at(-1);
  await db
    .updateTable('tasks')
    .set({
      phase: 'settled',
      outcome: last?.score === 1 ? 'solved' : 'failed',
      solved: last?.score === 1,
      score: last?.score ?? null,
      final_attempt: last?.score === null ? null : tries.length,
      created_at: ACCEPTED,
      settled_at: new Date(ACCEPTED.getTime() + seconds * 1_000),
    })
    .where('id', '=', taskId)
    .execute();
}

async function report(query = `?run=${runId}`): Promise<Report> {
  const answer = await ask(gateway, 'GET', `/v1/report${query}`);
  expect(answer.status).toBe(200);
  return reportSchema.parse(answer.body);
}

beforeAll(async () => {
  gateway = await startTestGateway();
  const { models } = gateway.context;
  strongest = models.strongest;
  cheap = models.models.find((m) => m.id !== strongest)?.id ?? '';
  const tasks = [0, 1, 2, 3].map((i) => ({
    id: `${i}`,
    prompt: 'p',
    dimension: i === 3 ? 'bug_fixing' : 'algorithm',
  }));
  const { body } = await ask(gateway, 'POST', '/v1/runs', { tasks });
  runId = String(body['id']);
  const ids = (body['tasks'] as { id: string }[]).map((t) => t.id);
  await history(ids[0] ?? '', [{ model: cheap, score: 1, costUsd: 0.001, outputTokens: 100 }], 1);
  await history(
    ids[1] ?? '',
    [
      { model: cheap, score: 0.25, costUsd: 0.001, outputTokens: 100 },
      { model: strongest, score: 1, costUsd: 0.02, outputTokens: 300, explored: true },
    ],
    2,
  );
  await history(ids[2] ?? '', [{ model: cheap, score: null, costUsd: null, outputTokens: 0 }], 3);
});
afterAll(() => gateway.close());

test('counts tasks, attempts, calls, tokens and money, with unknown calls apart', async () => {
  const r = await report();
  expect(r.tasks).toEqual({
    total: 4,
    settled: 3,
    solved: 2,
    solvedShare: 2 / 3,
    outcomes: { solved: 2, failed: 1 },
    averageScore: 1,
    attemptsPerTask: 4 / 3,
  });
  expect(r.cost).toMatchObject({ calls: 4, unknownCalls: 1, inputTokens: 3_000, outputTokens: 500 });
  expect(r.cost.knownUsd).toBeCloseTo(0.022, 12);
  expect(r).toMatchObject({ escalations: 1, exploredShare: 0.25, simulated: 'all', unsafeChecks: 0 });
  expect(r.dimensions).toEqual([
    { dimension: 'algorithm', tasks: 3, settled: 3, solved: 2, averageScore: 1 },
    { dimension: 'bug_fixing', tasks: 1, settled: 0, solved: 0, averageScore: null },
  ]);
});

test('shows each model’s share, success and cost', async () => {
  const r = await report();
  expect(r.models).toEqual([
    expect.objectContaining({
      ...{ model: cheap, attempts: 3, share: 0.75, judged: 2, passed: 1, successRate: 0.5, outages: 1 },
      ...{ averageScore: 0.625, explored: 0, calls: 3, unknownCalls: 1, simulated: true },
    }) as unknown,
    expect.objectContaining({
      ...{ model: strongest, attempts: 1, share: 0.25, judged: 1, passed: 1, explored: 1, costUsd: 0.02 },
    }) as unknown,
  ]);
});

test('compares with the strongest model on the tasks whose cost is known', async () => {
  const price = gateway.context.models.models.find((m) => m.id === strongest)?.price;
  const { strongest: s, estimatedFromTasks } = await report();
  const estimated = (1_000 * (price?.inputPerMillion ?? 0) + 100 * (price?.outputPerMillion ?? 0)) / 1e6;
  expect(s).toMatchObject({ model: strongest, tasksCompared: 2, tasksLeftOut: 1 });
  expect(estimatedFromTasks).toBe(3);
  expect(s?.actualCostUsd).toBeCloseTo(0.022, 12);
  expect(s?.costUsd).toBeCloseTo(0.02 + estimated, 12);
  expect(s?.costBasis).toEqual({ observed: 1, ownOutput: 0, triedOutput: 1 });
  expect(s?.actualScore).toBe(1);
  expect(s?.method).toContain('bootstrap');
});

test('measures every stage, whole tasks, and what the loop adds', async () => {
  const { latencyMs } = await report();
  expect(latencyMs.execute).toEqual({ n: 4, p50: 400, p95: 400, p99: 400 });
  expect(latencyMs.decide).toMatchObject({ n: 4, p50: 2 });
  expect(latencyMs.queueWait).toMatchObject({ n: 8, p50: 20 });
  expect(latencyMs.endToEnd).toMatchObject({ n: 3, p50: 2_000 });
  // 1,000 − 400, 2,000 − 800, 3,000 − 400
  expect(latencyMs.overhead).toMatchObject({ n: 3, p50: 1_200 });
  expect(latencyMs.loopWork).toMatchObject({ n: 3, p50: 2 });
  expect(latencyMs.verify).toBeNull();
});

test('can be cut by time and dimension, and is empty where there is nothing', async () => {
  expect((await report('?dimension=bug_fixing')).tasks.total).toBe(1);
  expect((await report('?until=2020-01-01T00:00:00Z')).tasks.total).toBe(0);
  expect((await report('?since=2020-01-01T00:00:00%2B02:00')).tasks.total).toBe(4);
  const empty = await report('?dimension=data_science');
  expect(empty).toMatchObject({ strongest: null, regret: null, models: [], exploredShare: null });
  expect(empty.cost.knownUsd).toBe(0);
  expect((await ask(gateway, 'GET', '/v1/report?run=none')).status).toBe(404);
});

test('what checking costs is told apart, and is not the answering model’s', async () => {
  const db = gateway.context.db;
  const before = await report();
  const task = await db
    .selectFrom('tasks')
    .select('id')
    .where('run_id', '=', runId)
    .where('solved', '=', true)
    .executeTakeFirstOrThrow();
  const key = { taskId: task.id, attempt: 1, call: 1, kind: 'judge' as const };
  const price = { inputPerMillion: 1, outputPerMillion: 1 };
  const line = {
    ...key,
    tenantId: 'default',
    runId,
    model: strongest,
    reserveUsd: 1,
    price,
    simulated: false,
  };
  const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
  await db.transaction().execute(async (trx) => {
    expect(await reserveCall(trx, line)).toBe(true);
    await markSent(trx, key);
    await settleCall(trx, key, { usage, costUsd: 0.5, latencyMs: 1 });
    const of = { taskId: task.id, attempt: 1, tenantId: 'default', dimension: 'algorithm', wasRight: true };
    await storePairs(trx, of, [{ kind: 'judge', source: strongest, said: 0.9 }]);
  });
  const after = await report();
  expect(after.cost.verification).toEqual({ knownUsd: 0.5, calls: 1, unknownCalls: 0 });
  expect(after.cost.knownUsd).toBeCloseTo((before.cost.knownUsd ?? 0) + 0.5, 12);
  expect(after.models).toEqual(before.models);
  expect(after.strongest?.actualCostUsd).toBeCloseTo(0.522, 12);
  expect(after.strongest?.costUsd).toBeCloseTo(before.strongest?.costUsd ?? 0, 12);
  expect(before.calibration).toEqual([]);
  expect(after.calibration.map((c) => [c.signal, c.source, c.dimension, c.pairs])).toEqual([
    ['judge', strongest, null, 1],
    ['judge', strongest, 'algorithm', 1],
  ]);
});

test('Prometheus sees the saving that the report shows, whoever’s tasks they are', async () => {
  const { strongest: s } = await report('');
  await gateway.context.db.updateTable('tasks').set({ tenant_id: 'b' }).where('run_id', '=', runId).execute();
  const metrics = String((await ask(gateway, 'GET', '/metrics')).body['text']);
  const gauge = /^acrouter_savings_usd_total\{[^}]*\} (\S+)$/m.exec(metrics)?.[1];
  expect(Number(gauge)).toBeCloseTo(s?.savingUsd ?? NaN, 9);
});
