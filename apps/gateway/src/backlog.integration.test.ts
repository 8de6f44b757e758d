import { problemSchema } from '@acrouter/contracts/http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createKey } from '@acrouter/db/key-store';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
let other: Record<string, string>;
beforeAll(async () => {
  gateway = await startTestGateway(undefined, {
    ACR_BACKLOG_PER_TENANT: '1000',
    ACR_BACKLOG_TOTAL: '1500',
  });
  const { key } = await createKey(gateway.context.db, {
    id: 'k',
    tenantId: 'other',
    name: null,
    scopes: ['submit', 'read'],
    requestsPerMinute: null,
    expiresAt: null,
  });
  other = { authorization: `Bearer ${key}` };
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.context.db.updateTable('tasks').set({ settled_at: new Date() }).execute();
  // The count of all tenants is up to a second old.
  await new Promise((done) => setTimeout(done, 1_050));
});

const specs = (n: number) => ({ tasks: Array.from({ length: n }, () => ({ prompt: 'p' })) });
const submit = (n: number, headers: Record<string, string> = {}) =>
  ask(gateway, 'POST', '/v1/tasks', specs(n), headers);
const stored = async (): Promise<number> => {
  const rows = await gateway.context.db
    .selectFrom('tasks')
    .select('id')
    .where('settled_at', 'is', null)
    .execute();
  return rows.length;
};

describe('a full backlog', () => {
  test('refuses a request whole, says until when, and takes what fits', async () => {
    expect((await submit(900)).status).toBe(202);
    const refused = await submit(101);
    expect(refused.status).toBe(429);
    expect(problemSchema.parse(refused.body)).toMatchObject({ code: 'ACR_BACKLOG_FULL', retryable: true });
    expect(refused.body['detail']).toMatch(/900 of at most 1000 .*none of this request was stored/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('ratelimit-policy')).toBe('"backlog";q=1000;qu="tasks"');
    expect(refused.headers.get('ratelimit')).toMatch(/^"backlog";r=100;t=\d+$/);
    expect(await stored()).toBe(900);
    expect((await submit(100)).status).toBe(202);
    expect((await submit(1)).status).toBe(429);
  });

  test('leaves no run behind, and no key: the same request is taken when there is room', async () => {
    await submit(500);
    const key = { 'idempotency-key': 'later' };
    expect((await ask(gateway, 'POST', '/v1/runs', specs(600), key)).status).toBe(429);
    const { db } = gateway.context;
    expect(await db.selectFrom('runs').select('id').execute()).toEqual([]);
    await db.updateTable('tasks').set({ admitted_at: new Date() }).where('settled_at', 'is', null).execute();
    const taken = await ask(gateway, 'POST', '/v1/runs', specs(600), key);
    expect(taken.status).toBe(202);
    // A replay adds nothing, and so needs no room.
    await submit(400);
    const replayed = await ask(gateway, 'POST', '/v1/runs', specs(600), key);
    expect([replayed.status, replayed.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
  });

  test('parallel submitters never pass the limit', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => submit(150)));
    expect(answers.filter((a) => a.status === 202)).toHaveLength(6);
    expect(await stored()).toBe(900);
  });

  test('of one tenant is none of another’s, until all together have too many', async () => {
    expect((await submit(1_000)).status).toBe(202);
    expect((await submit(400, other)).status).toBe(202);
    const refused = await submit(101, other);
    expect(refused.status).toBe(429);
    expect(refused.body['detail']).toMatch(/All tenants together have 1400 of at most 1500/);
  });
});

test('gauges of the backlog have no line per tenant', async () => {
  await submit(30);
  await ask(gateway, 'POST', '/v1/runs', { priority: 'high', ...specs(5) }, other);
  const text = String((await ask(gateway, 'GET', '/metrics')).body['text']);
  const value = (name: string) =>
    Number(new RegExp(`^acrouter_${name.replace(/[{}"]/g, '\\$&')}.* (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('backlog_tasks{priority="normal"')).toBe(30);
  expect(value('backlog_tasks{priority="high"')).toBe(5);
  expect(value('backlog_tenants')).toBe(2);
  expect(value('backlog_longest_tasks')).toBe(30);
  expect(value('backlog_oldest_seconds')).toBeGreaterThan(0);
  expect(text).not.toMatch(/tenant="/);
});
