import { offPolicyReportSchema, type OffPolicyReport } from '@acrouter/contracts/http-off-policy';
import { insertAttempt } from '@acrouter/db/attempt-store';
import { storeContext } from '@acrouter/db/context-store';
import { insertDecisions, type NewDecision } from '@acrouter/db/decision-store';
import { createKey } from '@acrouter/db/key-store';
import { seededRandom } from '@acrouter/domain/seeded-random';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

/**
 * A logged stream whose truth is known: `strongest` is drawn with chance 0.3 and right on 80 % of the tasks for
 * $0.02, `cheap` is right on 30 % for $0.001; after a failure `strongest` is asked.
 */
const TASKS = 240;
const EXPLORED = 0.3;
const RIGHT = { cheap: 0.3, strongest: 0.8 };
const COST = { cheap: 0.001, strongest: 0.02 };

type Who = keyof typeof RIGHT;

let gateway: TestGateway;
let names: Record<Who, string>;
let keys: Record<'a' | 'b', string>;
let runId: string;

beforeAll(async () => {
  gateway = await startTestGateway(4_194_304, { ACR_EMBEDDED: '0' });
  const { models } = gateway.context;
  const cheap = models.models.find((m) => m.id !== models.strongest)?.id ?? '';
  names = { cheap, strongest: models.strongest };
  keys = { a: await newKey('a'), b: await newKey('b') };
  const tasks = Array.from({ length: TASKS }, (_, i) => ({ id: `t${i}`, prompt: `task ${i}` }));
  const run = await ask(gateway, 'POST', '/v1/runs', { tasks }, as('a'));
  runId = String(run.body['id']);
  const random = seededRandom(11);
  const ids = (run.body['tasks'] as { id: string }[]).map((t) => t.id);
  const drawn = ids.map((): [number, number] => [random(), random()]);
  await Promise.all(ids.map((id, i) => history(id, i, drawn[i] ?? [0, 0])));
}, 60_000);
afterAll(() => gateway.close());

async function newKey(tenantId: string): Promise<string> {
  const key = { id: randomUUID(), tenantId, name: null, requestsPerMinute: null, expiresAt: null };
  return (await createKey(gateway.context.db, { ...key, scopes: ['submit', 'read'] })).key;
}

const as = (tenant: 'a' | 'b') => ({ authorization: `Bearer ${keys[tenant]}` });

/** What the services would have left of one task. The cost of every tenth first call is unknown. */
async function history(taskId: string, i: number, [choice, luck]: [number, number]): Promise<void> {
  const { db } = gateway.context;
  const first: Who = choice < EXPLORED ? 'strongest' : 'cheap';
  const solved = luck < RIGHT[first];
  await storeContext(db, {
    taskId,
    dimension: 'algorithm',
    language: 'python',
    dimensionBy: 'inferred',
    embedding: new Float32Array(384).fill(1 / Math.sqrt(384)),
    embedder: 'hashed-1/384',
    neighbours: [],
  });
  await decide(taskId, 1, first);
  await attempt(taskId, 1, first, solved ? 1 : 0, i % 10 !== 0);
  if (!solved) {
    await decide(taskId, 2, 'strongest');
    await attempt(taskId, 2, 'strongest', 1, true);
  }
  await db
    .updateTable('tasks')
    .set({ phase: 'settled', outcome: 'solved', solved: true, score: 1, settled_at: new Date() })
    .where('id', '=', taskId)
    .execute();
}

async function decide(taskId: string, turn: number, who: Who): Promise<void> {
  const chance = (w: Who) => (turn > 1 ? 1 : w === 'strongest' ? EXPLORED : 1 - EXPLORED);
  const decision: NewDecision = {
    taskId,
    turn,
    action: 'attempt',
    attempt: turn,
    model: names[who],
    probability: chance(who),
    explored: who === 'strongest',
    policy: 'p',
    policyVersion: '1',
    reason: 'r',
    candidates: (['cheap', 'strongest'] as const).map((w) => ({
      model: names[w],
      available: true,
      predictedScore: 0.5,
      predictedCostUsd: COST[w],
      probability: chance(w),
      votes: {},
    })),
    attemptsLeft: 3 - turn,
    budgetLeftUsd: null,
    costWeight: 0.1,
    decideMs: 1,
  };
  await insertDecisions(gateway.context.db, [decision]);
}

async function attempt(taskId: string, n: number, who: Who, score: number, isKnown: boolean): Promise<void> {
  const { db } = gateway.context;
  await insertAttempt(db, taskId, n, names[who]);
  await db
    .updateTable('attempts')
    .set({ status: 'recorded', score, passed: score === 1, confidence: 1 })
    .where('task_id', '=', taskId)
    .where('attempt', '=', n)
    .execute();
  await db
    .insertInto('ledger')
    .values({
      ...{ task_id: taskId, attempt: n, call: 1, tenant_id: 'a', run_id: runId, model: names[who] },
      ...{ reserved_usd: 1, held_usd: 0, price: '{}', simulated: true },
      state: isKnown ? 'settled' : 'unknown',
      ...(isKnown ? { cost_usd: COST[who] } : {}),
    })
    .execute();
}

async function report(against: string, tenant: 'a' | 'b' = 'a', more = ''): Promise<OffPolicyReport> {
  const path = `/v1/report/off-policy?against=${encodeURIComponent(against)}${more}`;
  const answer = await ask(gateway, 'GET', path, undefined, as(tenant));
  expect(answer.status).toBe(200);
  return offPolicyReportSchema.parse(answer.body);
}

const holds = ({ low, high }: { low: number | null; high: number | null }, truth: number) =>
  low !== null && high !== null && low <= truth + 1e-9 && truth - 1e-9 <= high;

test('what the strongest model would have scored and cost is within every interval', async () => {
  const r = await report('strongest');
  const { firstScore, firstCostUsd, taskScore, taskCostUsd } = r.outcomes;
  expect(r).toMatchObject({ decisions: TASKS, supportShare: 1, against: 'strongest' });
  for (const key of ['ips', 'snips', 'doublyRobust'] as const) {
    expect([key, holds(firstScore[key], 0.8)]).toEqual([key, true]);
    expect([key, holds(firstCostUsd[key], 0.02)]).toEqual([key, true]);
    expect([key, holds(taskCostUsd[key], 0.02 + 0.2 * 0.02)]).toEqual([key, true]);
  }
  expect(taskScore.doublyRobust.mean).toBeCloseTo(1, 0);
  expect(firstScore.effectiveSamples).toBeCloseTo(TASKS * EXPLORED, 3);
  expect(firstScore.difference.low).toBeGreaterThan(0);
  expect(r.conclusion).toMatch(/^strongest would have scored more on the first attempt/);
});

test('unknown costs are left out and counted', async () => {
  const { firstCostUsd, taskCostUsd, firstScore } = (await report('strongest')).outcomes;
  expect([firstCostUsd.unknown, firstCostUsd.samples]).toEqual([TASKS / 10, TASKS - TASKS / 10]);
  expect([taskCostUsd.unknown, firstScore.unknown]).toEqual([TASKS / 10, 0]);
});

test('learning policies and single models can be asked; a model that was never a candidate has no support', async () => {
  const learner = await report('epsilon-greedy', 'a', `&run=${runId}`);
  expect(learner.decisions).toBe(TASKS);
  const own = await report(`always:${names.cheap}`);
  expect(holds(own.outcomes.firstScore.snips, RIGHT.cheap)).toBe(true);
  expect(own.agreement).toBeGreaterThan(0.5);
  const absent = gateway.context.models.models.find((m) => !Object.values(names).includes(m.id))?.id ?? '';
  const unsupported = await report(`always:${absent}`);
  expect(unsupported.outcomes.firstScore).toMatchObject({ samples: 0, unsupported: TASKS });
  expect(unsupported.conclusion).toMatch(/could never have been drawn/);
});

test('another tenant sees nothing of it', async () => {
  const r = await report('strongest', 'b');
  expect(r).toMatchObject({ decisions: 0, supportShare: null });
  expect(r.conclusion).toMatch(/^Nothing can be concluded/);
  const path = `/v1/report/off-policy?against=strongest&run=${runId}`;
  expect((await ask(gateway, 'GET', path, undefined, as('b'))).status).toBe(404);
});

test('a policy that is not there is named, with those that are', async () => {
  for (const against of ['strongst', 'always:nobody', 'llm-few-shot']) {
    const path = `/v1/report/off-policy?against=${against}`;
    const { status, body } = await ask(gateway, 'GET', path, undefined, as('a'));
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('verify-escalate');
  }
  expect((await ask(gateway, 'GET', '/v1/report/off-policy', undefined, as('a'))).status).toBe(400);
});
