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

/** Every label, and why its values are few. A name, an id, a text of a user or a tenant can never be one. */
const BOUNDED = {
  source: 'the five sources of a scrape',
  bound: 'low, high',
  component: 'kinds of tokens',
  dimension: 'the ten of the domain',
  expedited: 'true, false',
  explored: 'true, false',
  kind: 'sandboxes, kinds of rows',
  model: 'the pool and "other"',
  outcome: 'the seven of the domain',
  part: 'limit, spent, held',
  phase: 'the five of the loop',
  priority: 'low, normal, high',
  queue: 'the catalogue and the dead letters',
  reason: 'limits of the sandbox',
  result: 'ends of calls, checks and deliveries',
  scope: 'task, run, tenant, all',
  signal: 'those whose worth is learnt',
  solved: 'true, false',
  stage: 'the five of a turn',
  state: 'the four of a message',
} as const;

test('every label has few values', async () => {
  const metrics = new Metrics('test').registry.getMetricsAsArray() as unknown as {
    name: string;
    labelNames: string[];
  }[];
  const labels = metrics.filter((m) => m.name.startsWith('acrouter_')).flatMap((m) => m.labelNames);
  expect(labels.length).toBeGreaterThan(20);
  expect([...new Set(labels)].filter((label) => !(label in BOUNDED) && label !== 'le')).toEqual([]);
});

test('a model that is not in the pool is labelled "other"', () => {
  const metrics = new Metrics('test');
  metrics.allowModels(['a']);
  expect([metrics.modelLabel('a'), metrics.modelLabel('junk-1')]).toEqual(['a', 'other']);
});
