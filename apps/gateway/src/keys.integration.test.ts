import { createKey, revokeKey, type KeyScope } from '@acrouter/db/key-store';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyRing } from './key-ring.service';
import { ask, startTestGateway, type Answer, type TestGateway } from './test-gateway';

/** Who gets in. The gateway here serves nobody without a key, except where a test says so. */
let gateway: TestGateway;
let embedded: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway(65_536, { ACR_EMBEDDED: '0' });
  embedded = await startTestGateway();
});
afterAll(async () => {
  await gateway.close();
  await embedded.close();
});

interface KeyOptions {
  scopes?: KeyScope[];
  perMinute?: number;
  expiresAt?: Date;
  tenantId?: string;
}

async function newKey(options: KeyOptions = {}, of = gateway) {
  const id = randomUUID();
  const { key, prefix } = await createKey(of.context.db, {
    id,
    tenantId: options.tenantId ?? 'a',
    name: 'test',
    scopes: options.scopes ?? ['submit', 'read', 'feedback'],
    requestsPerMinute: options.perMinute ?? null,
    expiresAt: options.expiresAt ?? null,
  });
  return { id, key, prefix };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const task = { prompt: 'Add two numbers' };

/** What a client can tell apart in an answer. */
function visible({ status, headers, body }: Answer) {
  const named = [...headers].filter(([name]) => !['date', 'content-length'].includes(name));
  return { status, headers: named, body: JSON.stringify(body) };
}

describe('without a valid key', () => {
  test('wrong, revoked, expired, foreign, malformed and absent keys get one and the same answer', async () => {
    const good = await newKey();
    const revoked = await newKey();
    await revokeKey(gateway.context.db, revoked.id);
    const expired = await newKey({ expiresAt: new Date(Date.now() - 1_000) });
    const foreign = await newKey({}, embedded);
    const wrong = `${good.key.slice(0, -1)}${good.key.endsWith('A') ? 'B' : 'A'}`;
    const keys = [
      wrong,
      revoked.key,
      expired.key,
      foreign.key,
      'acr_nonsense',
      'x'.repeat(2_000),
      good.prefix,
    ];
    const answers = await Promise.all(
      keys.map((key) => ask(gateway, 'GET', '/v1/tasks', undefined, bearer(key))),
    );
    const absent = await ask(gateway, 'GET', '/v1/tasks');
    expect(absent).toMatchObject({ status: 401, body: { code: 'ACR_UNAUTHENTICATED' } });
    expect(absent.headers.get('www-authenticate')).toBe('Bearer');
    for (const answer of answers) expect(visible(answer)).toEqual(visible(absent));
    expect((await ask(gateway, 'GET', '/v1/tasks', undefined, bearer(good.key))).status).toBe(200);
  });

  test('every kind of wrong key costs the same work: one look-up, and none while it is remembered', async () => {
    const [revoked, expired] = [await newKey(), await newKey({ expiresAt: new Date(0) })];
    await revokeKey(gateway.context.db, revoked.id);
    const wrong = `${(await newKey()).key.slice(0, -2)}--`;
    let lookUps = 0;
    const counting = new Proxy(gateway.context.db, {
      get: (db, name) => {
        if (name === 'selectFrom') lookUps++;
        return (db[name as keyof typeof db] as () => unknown).bind(db);
      },
    });
    const ring = new KeyRing(counting);
    for (const key of [wrong, revoked.key, expired.key, 'acr_nonsense', '']) {
      lookUps = 0;
      expect(await ring.check(key)).toBeNull();
      expect(lookUps).toBe(1);
      expect(await ring.check(key)).toBeNull();
      expect(lookUps).toBe(1);
    }
  });

  test('the same for a task that exists, for one that does not, and for no route', async () => {
    const { key } = await newKey();
    const mine = await ask(gateway, 'POST', '/v1/tasks', task, bearer(key));
    const paths = [`/v1/tasks/${String(mine.body['id'])}`, '/v1/tasks/none', '/v1/nothing', '/'];
    for (const path of paths) expect((await ask(gateway, 'GET', path)).status).toBe(401);
    expect((await ask(gateway, 'GET', '/v1/nothing', undefined, bearer(key))).status).toBe(404);
  });

  test('the body is not even read', async () => {
    const body = JSON.stringify({ prompt: 'x'.repeat(70_000) });
    const { key } = await newKey();
    expect((await ask(gateway, 'POST', '/v1/tasks', body)).status).toBe(401);
    expect((await ask(gateway, 'POST', '/v1/tasks', body, bearer(key))).status).toBe(413);
  });

  test('probes, the document and a Prometheus nearby are served; a proxied scrape is not', async () => {
    for (const path of ['/healthz', '/openapi.json', '/metrics'])
      expect((await ask(gateway, 'GET', path)).status).toBe(200);
    const proxied = { 'x-forwarded-for': '203.0.113.9' };
    expect((await ask(gateway, 'GET', '/metrics', undefined, proxied)).status).toBe(401);
    const reader = await newKey();
    const admin = await newKey({ scopes: ['admin'] });
    const scrape = (key: string) =>
      ask(gateway, 'GET', '/metrics', undefined, { ...proxied, ...bearer(key) });
    expect((await scrape(reader.key)).status).toBe(403);
    expect((await scrape(admin.key)).status).toBe(200);
  });
});

describe('embedded', () => {
  test('this machine needs no key, and a wrong one is still wrong', async () => {
    expect((await ask(embedded, 'GET', '/v1/tasks')).status).toBe(200);
    expect((await ask(embedded, 'GET', '/v1/tasks', undefined, bearer('acr_x'))).status).toBe(401);
    expect((await ask(embedded, 'GET', '/v1/tasks', undefined, { authorization: 'Basic abc' })).status).toBe(
      401,
    );
  });

  test('a proxy or a re-bound name is not this machine', async () => {
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip'])
      expect((await ask(embedded, 'GET', '/v1/tasks', undefined, { [name]: '127.0.0.1' })).status).toBe(401);
    expect(await statusWithHost('evil.example')).toBe(401);
    expect(await statusWithHost('localhost:1234')).toBe(200);
  });

  /** fetch sets the host header itself. */
  function statusWithHost(host: string): Promise<number | undefined> {
    return new Promise((done, fail) => {
      const sent = request(`${embedded.url}/v1/tasks`, { headers: { host }, agent: false }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      sent.on('error', fail);
      sent.end();
    });
  }
});

describe('a valid key', () => {
  test('each scope opens its routes and no other', async () => {
    const routes = {
      submit: ['POST', '/v1/tasks', task],
      read: ['GET', '/v1/tasks', undefined],
      feedback: ['POST', '/v1/feedback', { taskId: 'none', metric: 'm', value: 1 }],
    } as const;
    for (const scope of ['submit', 'read', 'feedback', 'admin'] as const) {
      const { key } = await newKey({ scopes: [scope] });
      for (const [needed, [method, path, body]] of Object.entries(routes)) {
        const answer = await ask(gateway, method, path, body, bearer(key));
        if (scope === needed || scope === 'admin') expect(answer.status).not.toBe(403);
        else expect(answer).toMatchObject({ status: 403, body: { code: 'ACR_FORBIDDEN' } });
      }
    }
  });

  test('is understood in x-api-key too, and sets the provenance of feedback', async () => {
    const { key, prefix } = await newKey();
    const sent = await ask(gateway, 'POST', '/v1/tasks', task, { 'x-api-key': key });
    const taskId = String(sent.body['id']);
    const said = { taskId, metric: 'verdict', value: 'good_fit' };
    expect((await ask(gateway, 'POST', '/v1/feedback', said, { 'x-api-key': key })).status).toBe(201);
    const row = await gateway.context.db
      .selectFrom('feedback')
      .select(['source', 'tenant_id'])
      .where('task_id', '=', taskId)
      .executeTakeFirst();
    expect(row).toEqual({ source: `user:key-${prefix}`, tenant_id: 'a' });
  });

  test('is stored as a hash only', async () => {
    const { key, prefix } = await newKey();
    const rows = await gateway.context.db.selectFrom('api_keys').selectAll().execute();
    expect(rows.some((r) => r.prefix === prefix)).toBe(true);
    const secret = key.slice(-43);
    for (const row of rows)
      expect(JSON.stringify({ ...row, hash: row.secret_hash.toString('latin1') })).not.toContain(secret);
  });

  test('revoked, it is refused within seconds, and its event stream ends', async () => {
    const { id, key } = await newKey();
    const run = await ask(gateway, 'POST', '/v1/runs', { tasks: [task] }, bearer(key));
    const path = `${gateway.url}/v1/runs/${String(run.body['id'])}/events`;
    const stream = await fetch(path, { headers: bearer(key) });
    expect(stream.status).toBe(200);
    await revokeKey(gateway.context.db, id);
    // The task is never settled here: without the revocation the stream would not end.
    await stream.text();
    for (let i = 0; (await ask(gateway, 'GET', '/v1/tasks', undefined, bearer(key))).status !== 401; i++) {
      expect(i).toBeLessThan(100);
      await sleep(100);
    }
  }, 30_000);

  test('has so many requests a minute, whichever gateway it asks', async () => {
    const { key } = await newKey({ perMinute: 3 });
    const answers: Answer[] = [];
    // A minute may end in the middle; two rounds of four cannot both be cut.
    for (let i = 0; i < 8; i++) answers.push(await ask(gateway, 'GET', '/v1/tasks', undefined, bearer(key)));
    const refused = answers.filter((a) => a.status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(answers.filter((a) => a.status === 200).length).toBeGreaterThanOrEqual(3);
    expect(answers[0]?.headers.get('x-ratelimit-limit')).toBe('3');
    expect(answers[0]?.headers.get('x-ratelimit-remaining')).toBe('2');
    const { headers, body } = refused[0] as Answer;
    expect(body).toMatchObject({ code: 'ACR_RATE_LIMITED', retryable: true });
    expect(headers.get('x-ratelimit-remaining')).toBe('0');
    expect(headers.get('retry-after')).toBe(headers.get('x-ratelimit-reset'));
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
