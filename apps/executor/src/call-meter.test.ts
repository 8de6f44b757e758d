import { describe, expect, test } from '@jest/globals';
import { parseModelsFile } from '@acrouter/config/models-file';
import { costOf } from '@acrouter/domain/task';
import { Metrics } from '@acrouter/telemetry/metrics';
import { CallMeter, costParts } from './call-meter';
import { modelQueues } from './model-queues';

const usage = { inputTokens: 1_000, outputTokens: 500, cachedInputTokens: 600, reasoningTokens: 200 };
const price = {
  inputPerMillion: 10,
  outputPerMillion: 40,
  cachedInputPerMillion: 1,
  reasoningPerMillion: 50,
};

describe('money for Prometheus', () => {
  test('the parts of a cost sum to it', () => {
    const parts = costParts(usage, price);
    expect(parts).toEqual({ input: 0.004, cached_input: 0.0006, output: 0.012, reasoning: 0.01 });
    expect(Object.values(parts).reduce((a, b) => a + b)).toBeCloseTo(costOf(usage, price) ?? Number.NaN, 12);
  });

  test('an unknown cost is counted as unknown, not as 0, and an unknown model as other', async () => {
    const metrics = new Metrics('test');
    const meter = new CallMeter(metrics);
    const answered = {
      kind: 'answered',
      text: '',
      responseModel: '',
      finishReason: 'stop',
      latencyMs: 1,
    } as const;
    meter.count('junk', { ...answered, usage: null }, price);
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/acrouter_cost_unknown_calls_total\{model="other".*\} 1/);
    expect(text).not.toMatch(/acrouter_cost_usd_total\{/);
  });
});

test('an agent’s own account of a call is its cost; without one, tokens that nobody prices are none', async () => {
  const metrics = new Metrics('test');
  metrics.allowModels(['agent']);
  const meter = new CallMeter(metrics);
  const answered = {
    kind: 'answered',
    text: '',
    usage: null,
    responseModel: '',
    finishReason: 'stop',
    latencyMs: 1,
  } as const;
  meter.count('agent', { ...answered, costUsd: 0.25 }, price);
  meter.count('agent', { ...answered, usage, costUsd: null }, price);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/acrouter_cost_usd_total\{model="agent",component="call".*\} 0.25/);
  expect(text.match(/acrouter_cost_usd_total\{/g)).toHaveLength(1);
  expect(text).toMatch(/acrouter_cost_unknown_calls_total\{model="agent".*\} 1/);
});

test('every model has its own queue with its own limits', () => {
  const common = 'provider: simulated, price: { inputPerMillion: 1, outputPerMillion: 1 }';
  const { models } = parseModelsFile(
    `models: [{ id: a, ${common}, limits: { concurrency: 3, requestsPerMinute: 30 } }, { id: b, ${common} }]`,
    'models.yaml',
    {},
  );
  expect(modelQueues(models)).toEqual([
    { key: 'a', concurrency: 3, limiter: { max: 30, durationMs: 60_000 } },
    { key: 'b', concurrency: 8 },
  ]);
  expect(modelQueues(models, 4).map((q) => q.concurrency)).toEqual([3, 4]);
});
