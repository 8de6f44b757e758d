import { expect, test } from '@jest/globals';
import { Metrics } from './metrics';

test('names follow the Prometheus conventions', async () => {
  const metrics = new Metrics('test');
  const own = (await metrics.registry.getMetricsAsJSON()).filter((m) => m.name.startsWith('acrouter_'));
  expect(own.length).toBeGreaterThan(14);
  for (const m of own) {
    if (String(m.type) === 'counter') expect(m.name).toMatch(/_total$/);
    expect(m.help).toMatch(/\.$/);
  }
});

test('a model that is not in the pool is labelled "other"', () => {
  const metrics = new Metrics('test');
  metrics.allowModels(['a']);
  expect([metrics.modelLabel('a'), metrics.modelLabel('junk-1')]).toEqual(['a', 'other']);
});
