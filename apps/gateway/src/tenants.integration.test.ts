import { insertAttempt } from '@acrouter/db/attempt-store';
import { createKey } from '@acrouter/db/key-store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ask, startTestGateway, type Answer, type TestGateway } from './test-gateway';

/**
 * Walks every route of the OpenAPI document as a tenant that knows all ids of another one. A route added later is
 * walked too; one whose path this file does not know fails the test.
 */
const MARK = 'SECRET-OF-TENANT-A';
let gateway: TestGateway;
let keyOfB = '';
const theirs = { task: '', run: '', decision: '' };

beforeAll(async () => {
  gateway = await startTestGateway(4_194_304, { ACR_EMBEDDED: '0' });
  const [a, b] = [await newKey('a'), await newKey('b')];
  keyOfB = b;
  const as = { authorization: `Bearer ${a}` };
  const body = { name: MARK, maxCostUsd: 1, tasks: [{ id: MARK, prompt: MARK, metadata: { source: MARK } }] };
  const run = await ask(gateway, 'POST', '/v1/runs', body, { ...as, 'idempotency-key': 'same' });
  theirs.run = String(run.body['id']);
  theirs.task = String((run.body['tasks'] as { id: string }[])[0]?.id);
  theirs.decision = `${theirs.task}.1`;
  await insertAttempt(gateway.context.db, theirs.task, 1, 'm');
  expect((await ask(gateway, 'GET', `/v1/tasks/${theirs.task}/explain`, undefined, as)).status).toBe(200);
});
afterAll(() => gateway.close());

async function newKey(tenantId: string): Promise<string> {
  const key = { id: randomUUID(), tenantId, name: null, requestsPerMinute: null, expiresAt: null };
  const scopes = ['submit', 'read', 'feedback'] as const;
  return (await createKey(gateway.context.db, { ...key, scopes })).key;
}

const asB = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(gateway, method, path, body, { authorization: `Bearer ${keyOfB}`, ...headers });

function expectNothingOfA({ body }: Answer): void {
  const text = JSON.stringify(body);
  for (const secret of [MARK, theirs.task, theirs.run]) expect(text).not.toContain(secret);
}

const BODIES: Record<string, unknown> = {
  '/v1/runs/{id}/tasks': { tasks: [{ prompt: 'mine' }] },
};

test('every route with an id in its path: 404, and the same text as for an id that nobody has', async () => {
  const document = await asB('GET', '/openapi.json');
  const paths = Object.entries(document.body['paths'] as Record<string, Record<string, unknown>>);
  const walked: string[] = [];
  for (const [path, operations] of paths.filter(([p]) => p.includes('{')))
    for (const method of Object.keys(operations)) {
      const kind = /^\/v1\/(task|run)s\/\{id\}/.exec(path)?.[1] as 'task' | 'run' | undefined;
      if (!kind) throw new Error(`say in this test whose id ${path} takes`);
      const body = method === 'post' ? (BODIES[path] ?? {}) : undefined;
      const withId = (id: string) => asB(method.toUpperCase(), path.replace('{id}', id), body);
      const [foreign, absent] = [await withId(theirs[kind]), await withId(randomUUID())];
      expect({ path, status: foreign.status }).toEqual({ path, status: 404 });
      expect({ ...foreign.body, instance: '' }).toEqual({ ...absent.body, instance: '' });
      walked.push(path);
    }
  // SSE, explain and cancel among them.
  expect(walked.length).toBeGreaterThanOrEqual(8);
});

test('every route that takes an id elsewhere: 404', async () => {
  const feedback = { metric: 'verdict', value: 'failed' };
  const answers = [
    await asB('GET', `/v1/tasks?run=${theirs.run}`),
    await asB('GET', `/v1/report?run=${theirs.run}`),
    await asB('POST', '/v1/feedback', { ...feedback, taskId: theirs.task }),
    await asB('POST', '/v1/feedback', { ...feedback, decisionId: theirs.decision }),
  ];
  expect(answers.map((a) => a.status)).toEqual([404, 404, 404, 404]);
});

test('every other route shows nothing of another tenant', async () => {
  const document = await asB('GET', '/openapi.json');
  const paths = Object.entries(document.body['paths'] as Record<string, Record<string, unknown>>);
  for (const [path, operations] of paths.filter(([p]) => !p.includes('{')))
    for (const method of Object.keys(operations)) {
      const body = method === 'post' ? { prompt: 'mine', model: 'none' } : undefined;
      expectNothingOfA(await asB(method.toUpperCase(), path, body));
    }
  expectNothingOfA(await asB('GET', `/v1/tasks?external_id=${MARK}`));
  expectNothingOfA(await asB('GET', `/v1/tasks?cursor=${'f'.repeat(36)}`));
});

test('why a model is left alone is told without the provider’s words, which may quote another tenant', async () => {
  const model = gateway.context.models.models[0]?.id ?? '';
  await gateway.context.db
    .insertInto('model_health')
    .values({ model, cooling_until: new Date(Date.now() + 60_000), consecutive_outages: 1, last_error: MARK })
    .execute();
  const answer = await asB('GET', '/v1/models');
  const cooling = (answer.body['data'] as { id: string; cooling: object | null }[]).find(
    (m) => m.id === model,
  )?.cooling;
  expect(cooling).toMatchObject({ consecutiveOutages: 1, lastError: null });
  expectNothingOfA(answer);
});

test('an idempotency key of another tenant is free', async () => {
  const answer = await asB('POST', '/v1/runs', { tasks: [] }, { 'idempotency-key': 'same' });
  expect(answer.status).toBe(202);
  expectNothingOfA(answer);
});

test('nothing of this touched the other tenant’s work', async () => {
  const { db } = gateway.context;
  const tasks = await db.selectFrom('tasks').selectAll().where('tenant_id', '=', 'a').execute();
  expect(tasks).toHaveLength(1);
  expect(tasks[0]?.cancel_requested_at).toBeNull();
  expect(await db.selectFrom('feedback').selectAll().execute()).toEqual([]);
});
