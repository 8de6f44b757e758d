import { afterEach, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayClient } from './gateway-client';
import { followRun } from './run-follower';

let server: Server | undefined;
afterEach(() => void server?.close());

test('the limit ends the wait for a gateway that asks for patience', async () => {
  const asked = new Promise<void>((done) => {
    server = createServer((_, answer) => {
      answer.writeHead(429, { 'retry-after': '60', 'content-type': 'application/problem+json' });
      answer.end(
        JSON.stringify({
          type: 'about:blank',
          title: 'Too many requests',
          status: 429,
          code: 'ACR_RATE_LIMITED',
          detail: 'Too many requests',
        }),
      );
      done();
    }).listen(0, '127.0.0.1');
  });
  await new Promise((done) => server?.once('listening', done));
  const { port } = server?.address() as AddressInfo;
  const limit = new AbortController();
  const following = followRun(
    new GatewayClient(`http://127.0.0.1:${port}`),
    'r',
    () => undefined,
    limit.signal,
  );
  await asked;
  limit.abort();
  expect(await following).toBeNull();
});
