import { problemSchema } from '@acrouter/contracts/http';
import { startRedis, type RunningRedis } from '@acrouter/testing/redis';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Answer } from './test-gateway';
import { startGatewayProcess, type GatewayProcess } from './test-gateway-process';

/** What the gateway tells while Redis is away; the tests go on from one another. */
let redis: RunningRedis | null;
let gateway: GatewayProcess | undefined;
beforeAll(async () => {
  redis = await startRedis();
  if (redis) gateway = await startGatewayProcess({ ACR_QUEUE_URL: redis.url });
}, 30_000);
afterAll(async () => {
  await gateway?.stop();
  await redis?.stop(true);
});

/** GETs; `null` on a machine without a redis-server, where there is nothing to test. */
async function timed(path: string): Promise<{ answer: Answer; text: string; ms: number } | null> {
  if (!gateway) return null;
  const startedAt = performance.now();
  const answer = await ask(gateway, 'GET', path);
  return { answer, text: String(answer.body['text']), ms: performance.now() - startedAt };
}

const QUEUE_FIGURES = /^acrouter_queue_(jobs|oldest_seconds)\{/m;
const failures = (text: string) =>
  Number(/^acrouter_scrape_failures_total\{[^}]*source="queues"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);

test('with Redis there, a scrape has the queues’ figures', async () => {
  const found = await timed('/metrics');
  if (!found) return;
  expect(found.text).toMatch(QUEUE_FIGURES);
  expect(failures(found.text)).toBe(0);
  expect((await timed('/admin/queues/api/queues'))?.answer.status).toBe(200);
});

test('without it, scrapes are answered in time, leave those out, and count it', async () => {
  if (!redis) return;
  await redis.stop(true);
  // The figures of before are new enough for a scrape that follows at once.
  await sleep(2_100);
  const both = await Promise.all([timed('/metrics'), timed('/metrics')]);
  for (const found of both) {
    expect(found?.ms).toBeLessThan(5_000);
    expect(found?.text).not.toMatch(QUEUE_FIGURES);
    expect(found?.text).toMatch(/^acrouter_backlog_tenants\{[^}]*\} 0$/m);
  }
  expect(Math.max(...both.map((found) => failures(found?.text ?? '')))).toBe(2);
  // The first look at Redis goes on, and nobody waits for it any more.
  expect((await timed('/metrics'))?.ms).toBeLessThan(1_000);
}, 30_000);

test('the board says that the queue is away, in our words', async () => {
  const found = await timed('/admin/queues/api/queues');
  if (!found) return;
  expect(found.ms).toBeLessThan(5_000);
  expect(found.answer.headers.get('content-type')).toContain('application/problem+json');
  expect(found.answer.headers.get('retry-after')).toBe('1');
  const problem = problemSchema.parse(found.answer.body);
  expect(problem).toMatchObject({ status: 503, code: 'ACR_QUEUE_UNAVAILABLE', retryable: true });
  expect(JSON.stringify(problem)).not.toContain('retries');
  expect((await timed('/admin/queues'))?.answer.status).toBe(200);
}, 30_000);

test('when Redis is back, so are the figures and the board', async () => {
  if (!redis) return;
  redis = await startRedis(redis.port);
  for (let i = 0; !QUEUE_FIGURES.test((await timed('/metrics'))?.text ?? ''); i++) {
    expect(i).toBeLessThan(100);
    await sleep(200);
  }
  expect((await timed('/admin/queues/api/queues'))?.answer.status).toBe(200);
}, 60_000);
