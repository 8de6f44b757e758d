import { keepAnswer, takeKey } from '@acrouter/db/idempotency-store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KEY_TTL_MS } from './idempotent.service';
import { ask, startTestGateway, type Answer, type TestGateway } from './test-gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const run = { name: 'once', tasks: [{ id: 'a', prompt: 'Add' }] };
const post = (key: string, body: unknown): Promise<Answer> =>
  ask(gateway, 'POST', '/v1/runs', body, { 'idempotency-key': key });

const countRuns = async (name: string) =>
  (await gateway.context.db.selectFrom('runs').select('id').where('name', '=', name).execute()).length;

test('20 parallel posts with one key start one run; each answer is the first one’s or "busy"', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('race', run)));
  const done = answers.filter((a) => a.status === 202);
  expect(done.length).toBeGreaterThan(0);
  expect(new Set(done.map((a) => a.body['id'])).size).toBe(1);
  for (const busy of answers.filter((a) => a.status !== 202)) {
    expect(busy).toMatchObject({ status: 409, body: { code: 'ACR_CONFLICT', retryable: true } });
    expect(busy.headers.get('retry-after')).toBe('1');
  }
  expect(await countRuns('once')).toBe(1);
  const events = await gateway.context.db
    .selectFrom('events')
    .select('id')
    .where('run_id', '=', String(done[0]?.body['id']))
    .execute();
  expect(events).toHaveLength(1);
});

test('a replay is the first answer, letter by letter, and says until when', async () => {
  const first = await post('replay', { ...run, name: 'replayed' });
  const again = await post('replay', { ...run, name: 'replayed' });
  expect(again.status).toBe(first.status);
  expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body));
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  const expires = Date.parse(first.headers.get('idempotency-expires') ?? '');
  expect(Math.abs(expires - Date.now() - KEY_TTL_MS)).toBeLessThan(60_000);
  expect(again.headers.get('idempotency-expires')).toBe(first.headers.get('idempotency-expires'));
});

test('another body, or another route, under the same key is refused', async () => {
  await post('mismatch', { ...run, name: 'm1' });
  const body = await post('mismatch', { ...run, name: 'm2' });
  expect(body).toMatchObject({ status: 422, body: { code: 'ACR_IDEMPOTENCY_MISMATCH' } });
  const route = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' }, { 'idempotency-key': 'mismatch' });
  expect(route.status).toBe(422);
  expect(await countRuns('m2')).toBe(0);
});

test('a request that failed leaves its key free', async () => {
  const twins = [
    { id: 'a', prompt: 'Add' },
    { id: 'a', prompt: 'Add' },
  ];
  expect((await post('free', { ...run, name: 'freed', tasks: twins })).status).toBe(400);
  expect((await post('free', { ...run, name: 'freed' })).status).toBe(202);
});

test('a process that dies in the middle leaves its key free', async () => {
  const death = gateway.context.db.transaction().execute(async (trx) => {
    expect((await takeKey(trx, 'default', 'crash', 'hash')).kind).toBe('new');
    expect((await post('crash', { ...run, name: 'crashed' })).status).toBe(409);
    await keepAnswer(trx, 'default', 'crash', { hash: 'hash', statusCode: 202, body: '{}' }, KEY_TTL_MS);
    throw new Error('killed before the commit');
  });
  await expect(death).rejects.toThrow('killed');
  expect((await post('crash', { ...run, name: 'crashed' })).status).toBe(202);
  expect(await countRuns('crashed')).toBe(1);
});

test('an expired key is new again, and is forgotten with the next ones', async () => {
  const { db } = gateway.context;
  const first = await post('old', { ...run, name: 'old' });
  await db
    .updateTable('idempotency_keys')
    .set({ expires_at: new Date(Date.now() - 1_000) })
    .execute();
  const again = await post('old', { ...run, name: 'old' });
  expect(again.status).toBe(202);
  expect(again.body['id']).not.toBe(first.body['id']);
  const left = await db.selectFrom('idempotency_keys').select('key').execute();
  expect(left.map((r) => r.key)).toEqual(['old']);
});
