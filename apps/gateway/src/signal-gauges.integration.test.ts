import { storePairs, type CalibrationPair } from '@acrouter/db/opinion-store';
import { setTenantWeight } from '@acrouter/db/tenant-store';
import type { ScrapeHook } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ScrapeSources } from './scrape-sources.service';
import { SignalGauges } from './signal-gauges';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

/** Tasks whose given tests showed `wasRight`, and what signals said of their answers. */
async function judged(tenantId: string, tries: { wasRight: boolean; pairs: CalibrationPair[] }[]) {
  const { db } = gateway.context;
  await setTenantWeight(db, tenantId, 1);
  const tasks = tries.map((_, i) => ({ id: `${tenantId}-${i}`, prompt: 'p' }));
  const run = await ask(gateway, 'POST', '/v1/runs', { name: tenantId, tasks });
  const ids = (run.body['tasks'] as { id: string }[]).map((t) => t.id);
  for (const [i, { wasRight, pairs }] of tries.entries()) {
    const of = { taskId: ids[i] ?? '', attempt: 1, tenantId, dimension: 'algorithm', wasRight };
    await db.transaction().execute((trx) => storePairs(trx, of, pairs));
  }
}

/** The figures of the gauges by signal, as a scrape finds them with this judge. */
async function scrape(judge: string | null) {
  const metrics = new Metrics('test');
  const hooks: ScrapeHook[] = [];
  const { db, models } = gateway.context;
  const verification = { ...models.verification, judge: judge === null ? null : { model: judge } };
  new SignalGauges(
    db,
    { ...models, verification } as typeof models,
    metrics,
    new ScrapeSources(metrics, hooks),
  );
  for (const hook of hooks) await hook();
  const values = async (name: string) => {
    const found = (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
    return Object.fromEntries(found.map((v) => [String(v.labels['signal']), v.value]));
  };
  return {
    pairs: await values('acrouter_signal_pairs'),
    bias: await values('acrouter_signal_bias'),
    weight: await values('acrouter_signal_weight_factor'),
  };
}

test('without any pair every signal is as believed, and there is no judge where none is asked', async () => {
  expect(await scrape(null)).toEqual({
    pairs: { 'prompt-tests': 0, consistency: 0 },
    bias: { 'prompt-tests': 0, consistency: 0 },
    weight: { 'prompt-tests': 1, consistency: 1 },
  });
  const metrics = String((await ask(gateway, 'GET', '/metrics')).body['text']);
  expect(metrics).toMatch(/^acrouter_signal_weight_factor\{[^}]*signal="consistency"[^}]*\} 1$/m);
});

test('a judge that praises everything loses its weight, over all tenants, and another judge’s words are not its own', async () => {
  const said = (source: string): CalibrationPair[] => [{ kind: 'judge', source, said: 1 }];
  const tries = Array.from({ length: 40 }, (_, i) => ({ wasRight: i % 2 === 0, pairs: said('kind') }));
  await judged('a', tries);
  await judged('b', [...tries, { wasRight: false, pairs: said('former') }]);
  const { pairs, bias, weight } = await scrape('kind');
  expect(pairs['judge']).toBe(80);
  expect(bias['judge']).toBeCloseTo(40 / 90, 9);
  expect(weight['judge']).toBeLessThan(0.05);
  expect(weight['consistency']).toBe(1);
  expect((await scrape('former')).pairs['judge']).toBe(1);
});
