import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Stack } from './stack';

/** Bull Board in the gateway. Requests come as through a proxy, so that being on this machine is no key. */
const BOARD = '/admin/queues';
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start(readFileSync(join(ROOT, 'libs/config/src/simulated-models.yaml'), 'utf8'));
}, 120_000);
afterAll(() => stack?.stop(), 60_000);

async function newKey(scopes: string): Promise<string> {
  const made = await stack.acr('keys', 'create', '--data-dir', '.acr', '--scopes', scopes, '--json');
  return (JSON.parse(made.stdout) as { key: string }).key;
}

function ask(path: string, authorization?: string, method = 'GET'): Promise<Response> {
  const headers = { 'x-forwarded-for': '203.0.113.9', ...(authorization && { authorization }) };
  return fetch(stack.state.url + path, { method, headers });
}

/** As a browser sends what was typed into its dialogue. */
const basic = (key: string) => `Basic ${Buffer.from(`any:${key}`).toString('base64')}`;

test('every part of the board asks for an admin key', async () => {
  const reader = await newKey('submit,read,feedback');
  for (const path of [BOARD, `${BOARD}/api/queues`, `${BOARD}/queue/verify`]) {
    const bare = await ask(path);
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="ACRouter"']);
    expect((await ask(path, `Bearer ${reader}`)).status).toBe(403);
    expect((await ask(path, basic(reader))).status).toBe(403);
    expect((await ask(path, basic('acr_wrong'))).status).toBe(401);
  }
}, 60_000);

test('with one it shows every queue, only looks, and the password is a key nowhere else', async () => {
  const admin = await newKey('admin');
  expect((await ask(BOARD, basic(admin))).status).toBe(200);
  const answer = (await (await ask(`${BOARD}/api/queues`, `Bearer ${admin}`)).json()) as {
    queues: { name: string; readOnlyMode: boolean }[];
  };
  const names = answer.queues.map((q) => q.name);
  expect(names).toEqual(expect.arrayContaining(['context', 'decide', 'verify', 'feedback', 'dead-letters']));
  expect(names.filter((name) => name.startsWith('execute.'))).toHaveLength(8);
  expect(answer.queues.every((q) => q.readOnlyMode)).toBe(true);
  expect((await ask(`${BOARD}/api/queues/verify/pause`, `Bearer ${admin}`, 'PUT')).ok).toBe(false);
  expect((await ask('/v1/tasks', basic(admin))).status).toBe(401);
}, 60_000);
