import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readEnv } from '@acrouter/config/env';
import { parseModelsFile } from '@acrouter/config/models-file';
import { abandonAttempt, insertAttempt, loadAttempt } from '@acrouter/db/attempt-store';
import { claimAttempt } from '@acrouter/db/lease-store';
import { openDatabase, type Database } from '@acrouter/db/client';
import { coolingModels } from '@acrouter/db/health-store';
import { callsOf, markSent, reserveCall } from '@acrouter/db/ledger-store';
import { insertTasks, requestCancel } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { RetryLater, StopReason } from '@acrouter/queue/handles';
import { Metrics } from '@acrouter/telemetry/metrics';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { sql } from 'kysely';
import { AttemptWriter } from './attempt-writer';
import { CallMeter } from './call-meter';
import { ExecuteService } from './execute.service';
import { ModelClients } from './model-clients';

type Reply = (request: IncomingMessage, response: ServerResponse) => void;
const LEASE_MS = 1_000;
const RESERVE_USD = 0.01;
const PRICE = { inputPerMillion: 10, outputPerMillion: 100 };
const MODEL = 'test/model';

let testDb: TestDatabase;
let db: Database;
let provider: Server;
let replies: Reply[] = [];
let calls = 0;
let service: ExecuteService;
let taskId = '';
let n = 0;

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 16 });
  provider = createServer((request, response) => {
    request.resume().on('end', () => {
      calls++;
      (replies.shift() ?? answers())(request, response);
    });
  });
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done));
  const { port } = provider.address() as AddressInfo;
  const pool = parseModelsFile(
    `models: [{ id: ${MODEL}, provider: openai-compatible, baseUrl: "http://127.0.0.1:${port}/v1",
       price: ${JSON.stringify(PRICE)}, limits: { timeoutMs: 2000 } }]`,
    'models.yaml',
    {},
  );
  const env = readEnv({ ACR_DATABASE_URL: testDb.url, ACR_LEASE_MS: String(LEASE_MS) });
  const meter = new CallMeter(new Metrics('test'));
  service = new ExecuteService(db, env, new ModelClients(pool, env), new AttemptWriter(db), meter);
});
afterAll(async () => {
  provider.closeAllConnections();
  await new Promise((done) => provider.close(done));
  await db.destroy();
  await testDb.drop();
});
beforeEach(async () => {
  replies = [];
  calls = 0;
  await db.deleteFrom('model_health').execute();
  await submit();
});

async function submit(maxCostUsd: number | null = null) {
  taskId = `task-${++n}`;
  await insertTasks(db, [
    {
      id: taskId,
      tenantId: 'default',
      runId: null,
      externalId: null,
      prompt: 'write a function',
      language: 'python',
      dimension: null,
      source: null,
      verification: null,
      metadata: {},
      limits: { ...DEFAULT_LIMITS, maxCostUsd },
      traceparent: null,
    },
  ]);
  const call = { taskId, attempt: 1, call: 1, tenantId: 'default', runId: null, model: MODEL };
  await db.transaction().execute(async (trx) => {
    await insertAttempt(trx, taskId, 1, MODEL);
    await reserveCall(trx, { ...call, reserveUsd: RESERVE_USD, price: PRICE, simulated: false });
  });
}

const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const USAGE = { prompt_tokens: 100, completion_tokens: 20 };
const answers =
  (usage: unknown = USAGE): Reply =>
  (_, response) =>
    json(response, 200, {
      id: 'x',
      created: 1,
      model: 'real-name',
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'the answer' } }],
      usage,
    });
const fails =
  (status: number, headers?: Record<string, string>): Reply =>
  (_, response) =>
    json(response, status, { error: { message: 'no' } }, headers);
const resets: Reply = (request) => request.socket.destroy();

const execute = (signal = new AbortController().signal) =>
  service.execute({ taskId, attempt: 1, model: MODEL }, { signal, waitMs: 1 });
const lines = () => callsOf(db, taskId, 1);
const attempt = () => loadAttempt(db, taskId, 1);
/** Delivers until the attempt is through, without the pauses that a queue would make. */
async function deliver() {
  for (let i = 0; i < 20; i++) {
    const outbox = await execute().catch((error: unknown) => {
      if (!(error instanceof RetryLater)) throw error;
      return null;
    });
    if (outbox) return outbox;
  }
  throw new Error('the attempt does not end');
}

describe('an answer', () => {
  test('is stored, paid to the token, and sent to the verifier', async () => {
    const outbox = await execute();
    expect(outbox).toMatchObject([{ queue: 'verify', payload: { taskId, attempt: 1 } }]);
    expect(await attempt()).toMatchObject({
      status: 'answered',
      answer: 'the answer',
      response_model: 'real-name',
      input_tokens: 100,
      output_tokens: 20,
      cost_usd: 0.003,
      unknown_calls: 0,
      lease_token: null,
    });
    expect(await lines()).toMatchObject([
      { state: 'settled', cost_usd: 0.003, held_usd: 0, input_tokens: 100 },
    ]);
  });

  test('that comes again only sends its next message again', async () => {
    await execute();
    expect(await execute()).toMatchObject([{ queue: 'verify' }]);
    expect(calls).toBe(1);
  });

  test('without usage has an unknown cost, held and never 0', async () => {
    replies = [answers(null)];
    await execute();
    expect(await lines()).toMatchObject([{ state: 'unknown', cost_usd: null, held_usd: RESERVE_USD }]);
    expect(await attempt()).toMatchObject({
      status: 'answered',
      cost_usd: null,
      unknown_calls: 1,
      input_tokens: null,
    });
  });

  test('ends a cool-down', async () => {
    const row = { model: MODEL, consecutive_outages: 3, cooling_until: new Date(Date.now() + 60_000) };
    await db.insertInto('model_health').values(row).execute();
    await execute();
    expect(await coolingModels(db)).toEqual(new Map());
  });
});

describe('a failing provider', () => {
  test('is asked again; every call has its line, and what was not billed is not held', async () => {
    replies = [fails(500), fails(429), resets];
    expect(await deliver()).toMatchObject([{ queue: 'verify' }]);
    expect(calls).toBe(4);
    expect(await lines()).toMatchObject([
      { call: 1, state: 'unknown', held_usd: 0, status_code: 500 },
      { call: 2, state: 'unknown', held_usd: 0, status_code: 429 },
      { call: 3, state: 'unknown', held_usd: RESERVE_USD },
      { call: 4, state: 'settled' },
    ]);
    expect(await attempt()).toMatchObject({ cost_usd: 0.003, unknown_calls: 3 });
  });

  test('that says when to come back is given that time, and the slot to others', async () => {
    replies = [fails(429, { 'retry-after': '7' })];
    const error = await execute().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RetryLater);
    expect((error as RetryLater).delayMs).toBeGreaterThanOrEqual(7_000);
    expect((error as RetryLater).delayMs).toBeLessThan(7_500);
    expect(await attempt()).toMatchObject({ status: 'executing', lease_token: null });
  });

  test('is given up after five calls: an outage, a cool-down, a new decision', async () => {
    replies = Array.from({ length: 9 }, () => fails(503));
    const outbox = await deliver();
    expect(outbox).toMatchObject([
      { queue: 'decide', payload: { kind: 'attempt-finished', taskId, attempt: 1 } },
    ]);
    expect(calls).toBe(5);
    expect(await attempt()).toMatchObject({ status: 'outage', error: { code: 'ACR_PROVIDER_OUTAGE' } });
    expect((await coolingModels(db)).get(MODEL)).toBeGreaterThan(Date.now());
    expect(await execute()).toMatchObject([{ queue: 'decide' }]);
    expect(calls).toBe(5);
  });

  test('that asks for too long a pause is given up at once, for that long', async () => {
    replies = [fails(429, { 'retry-after': '600' })];
    expect(await execute()).toMatchObject([{ queue: 'decide' }]);
    expect((await coolingModels(db)).get(MODEL)).toBeGreaterThan(Date.now() + 590_000);
  });

  test('that refuses the request is not asked again and does not cool down', async () => {
    replies = [fails(400)];
    await execute();
    expect(calls).toBe(1);
    expect(await attempt()).toMatchObject({ status: 'outage', error: { code: 'ACR_PROVIDER_REFUSED' } });
    expect(await coolingModels(db)).toEqual(new Map());
  });
});

describe('two executors', () => {
  test('never call at the same time, and one answer comes of it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => execute()));
    expect(calls).toBe(1);
    expect(
      results.filter((r) => r.status === 'fulfilled' && r.value[0]?.queue === 'verify').length,
    ).toBeGreaterThan(0);
    for (const r of results) if (r.status === 'rejected') expect(r.reason).toBeInstanceOf(RetryLater);
    expect(await lines()).toHaveLength(1);
  });

  test('a delivery waits for the lease of another, and no longer', async () => {
    await claimAttempt(db, taskId, 1, 'other', 5_000);
    const error = await execute().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RetryLater);
    expect((error as RetryLater).delayMs).toBeGreaterThan(4_000);
    expect((error as RetryLater).delayMs).toBeLessThan(6_000);
    expect(calls).toBe(0);
  });

  test('one killed during its call leaves an unknown, held call; the next goes on counting', async () => {
    await claimAttempt(db, taskId, 1, 'killed', 1);
    await markSent(db, { taskId, attempt: 1, call: 1 });
    await new Promise((resume) => setTimeout(resume, 20));
    expect(await execute()).toMatchObject([{ queue: 'verify' }]);
    expect(await lines()).toMatchObject([
      { call: 1, state: 'unknown', held_usd: RESERVE_USD },
      { call: 2, state: 'settled' },
    ]);
  });

  test('one that was thought dead cannot write its answer, though its cost is kept', async () => {
    let stolen = false;
    replies = [
      (request, response) => {
        const steal = sql`update attempts set lease_token = 'thief' where task_id = ${taskId}`.execute(db);
        void steal.then(() => ((stolen = true), answers()(request, response)));
      },
    ];
    expect(await execute()).toEqual([]);
    expect(stolen).toBe(true);
    expect(await attempt()).toMatchObject({ status: 'executing', answer: null, lease_token: 'thief' });
    expect(await lines()).toMatchObject([{ state: 'settled', cost_usd: 0.003 }]);
  });

  test('a lost lease ends the call', async () => {
    replies = [
      () => void sql`update attempts set lease_token = 'thief' where task_id = ${taskId}`.execute(db),
    ];
    expect(await execute()).toEqual([]);
    expect(await lines()).toMatchObject([{ state: 'unknown', held_usd: RESERVE_USD }]);
    expect(await attempt()).toMatchObject({ status: 'executing', lease_token: 'thief' });
  });
});

describe('budgets', () => {
  test('a further call that does not fit is not made', async () => {
    await submit(RESERVE_USD * 1.5);
    replies = [resets];
    expect(await deliver()).toMatchObject([{ queue: 'decide' }]);
    expect(calls).toBe(1);
    expect(await attempt()).toMatchObject({ status: 'over-budget', error: { code: 'ACR_OVER_BUDGET' } });
    const budget = await db
      .selectFrom('budgets')
      .selectAll()
      .where('scope_id', '=', taskId)
      .executeTakeFirst();
    expect(budget).toMatchObject({ held_usd: RESERVE_USD, spent_usd: 0 });
  });

  test('a settled call gives back what it did not need', async () => {
    await submit(RESERVE_USD);
    await execute();
    const budget = await db
      .selectFrom('budgets')
      .selectAll()
      .where('scope_id', '=', taskId)
      .executeTakeFirst();
    expect(budget).toMatchObject({ held_usd: 0, spent_usd: 0.003 });
  });
});

describe('stopping', () => {
  test('a cancellation ends the call and the attempt; what may have been billed stays held', async () => {
    const controller = new AbortController();
    replies = [() => controller.abort(new StopReason('cancelled'))];
    expect(await execute(controller.signal)).toEqual([]);
    expect(await attempt()).toMatchObject({ status: 'cancelled' });
    expect(await lines()).toMatchObject([{ state: 'unknown', held_usd: RESERVE_USD }]);
  });

  test('a task that is to be cancelled is not worked on', async () => {
    await requestCancel(db, 'default', taskId);
    expect(await execute()).toEqual([]);
    expect(calls).toBe(0);
    expect(await attempt()).toMatchObject({ status: 'cancelled' });
  });

  test('an attempt that the orchestrator abandoned is left alone', async () => {
    await abandonAttempt(db, taskId, 1);
    expect(await execute()).toEqual([]);
    expect(calls).toBe(0);
  });

  test('a shutdown hands the attempt back with nothing forgotten', async () => {
    const controller = new AbortController();
    replies = [() => controller.abort(new StopReason('shutdown'))];
    await expect(execute(controller.signal)).rejects.toBeInstanceOf(StopReason);
    expect(await attempt()).toMatchObject({ status: 'executing', lease_token: null });
    expect(await lines()).toMatchObject([{ state: 'unknown', held_usd: RESERVE_USD }]);
    expect(await execute()).toMatchObject([{ queue: 'verify' }]);
  });
});
