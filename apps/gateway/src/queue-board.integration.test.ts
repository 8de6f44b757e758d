import { createKey, type KeyScope } from '@acrouter/db/key-store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ask } from './test-gateway';
import { startGatewayProcess, type GatewayProcess } from './test-gateway-process';

/** Who may do what on the board, and what its page may load. What it shows is a matter of e2e/. */
const BOARD = '/admin/queues';
let gateway: GatewayProcess;
let admin: string;
beforeAll(async () => {
  gateway = await startGatewayProcess({ ACR_EMBEDDED: '0' });
  admin = await newKey(['admin']);
}, 30_000);
afterAll(() => gateway?.stop());

async function newKey(scopes: KeyScope[]): Promise<string> {
  const rest = { requestsPerMinute: null, expiresAt: null };
  const row = { id: randomUUID(), tenantId: 'a', name: 'test', scopes, ...rest };
  return (await createKey(gateway.db, row)).key;
}

/** Every way to send a key to the board. */
const waysToSend = (key: string): Record<string, string>[] => [
  { authorization: `Basic ${Buffer.from(`any:${key}`).toString('base64')}` },
  { authorization: `Bearer ${key}` },
  { 'x-api-key': key },
];

const WRITES = [
  ['PUT', '/api/queues/feedback/pause'],
  ['PUT', '/api/queues/pause'],
  ['POST', '/api/queues/feedback/add'],
  ['PATCH', '/api/queues/feedback/1/priority'],
] as const;

test.each(WRITES)('%s %s is answered with 405, however the key is sent', async (method, path) => {
  for (const headers of waysToSend(admin)) {
    const answer = await ask(gateway, method, BOARD + path, undefined, headers);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  }
});

test.each(WRITES)('%s %s with a wrong key, none, or one that is no admin’s', async (method, path) => {
  for (const headers of [{}, ...waysToSend('acr_wrong')])
    expect((await ask(gateway, method, BOARD + path, undefined, headers)).status).toBe(401);
  for (const headers of waysToSend(await newKey(['read', 'submit', 'feedback'])))
    expect((await ask(gateway, method, BOARD + path, undefined, headers)).status).toBe(403);
});

test('a form of another site, which a browser would send with the password, changes nothing', async () => {
  const [basic] = waysToSend(admin);
  const form = { ...basic, 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.test' };
  const answer = await ask(gateway, 'POST', `${BOARD}/api/queues/feedback/add`, 'name=x', form);
  expect(answer.status).toBe(405);
});

test('the password is a key nowhere else', async () => {
  const [basic] = waysToSend(admin);
  expect((await ask(gateway, 'GET', '/v1/tasks', undefined, basic)).status).toBe(401);
});

test('every answer of the board lets the page load from the gateway alone', async () => {
  const page = await ask(gateway, 'GET', BOARD, undefined, { 'x-api-key': admin });
  const script = /src="(static\/[^"]+\.js)"/.exec(String(page.body['text']))?.[1] ?? 'none';
  for (const path of [BOARD, `${BOARD}/queue/verify`, `${BOARD}/${script}`, `${BOARD}/api/queues`]) {
    const answer = await ask(gateway, 'GET', path, undefined, { 'x-api-key': admin });
    expect([path, answer.status]).toEqual([path, 200]);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    // No part of it names a host, a scheme but data:, or lets a script in that is written into the page.
    expect(policy).not.toMatch(/https?:|\*|\.[a-z]|script-src|unsafe-eval/);
  }
  expect((await ask(gateway, 'GET', '/healthz')).headers.has('content-security-policy')).toBe(false);
});
