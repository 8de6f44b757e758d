import { describe, expect, test } from '@jest/globals';
import { PUBLISHED_PRIOR } from '@acrouter/domain/routing/published-prior';
import type { Dimension } from '@acrouter/domain/task';
import type { ExampleTask } from './example-bundle';
import { createSimulatedPool } from './simulated-pool';

const tasks = (n: number, dimension: Dimension = 'bug_fixing'): ExampleTask[] =>
  Array.from({ length: n }, (_, i) => ({
    id: `${dimension}-${i}`,
    prompt: `Mend program ${i} of ${dimension}.`,
    dimension,
    language: 'python',
    correct: 'right = 1',
    wrong: ['wrong = 1', 'wrong = 2'],
  }));
const never = new AbortController().signal;
const ask = (prompt: string) => ({ prompt, maxOutputTokens: 4_096 });

async function rightShare(model: string, list: ExampleTask[], seed: number): Promise<number> {
  const client = createSimulatedPool({ tasks: list, latencyScale: 0, seed }).client(model);
  const results = await Promise.all(list.map((t) => client.complete(ask(t.prompt), never)));
  return results.filter((r) => r.kind === 'answered' && r.text.includes('right')).length / list.length;
}

describe('the simulated pool', () => {
  test.each(['claude-opus-4-6', 'glm-5', 'MiniMax-M2.7'])('%s is as skilled as published', async (model) => {
    for (const dimension of ['algorithm', 'bug_fixing', 'code_completion'] as const) {
      const share = await rightShare(model, tasks(800, dimension), 3);
      const published = PUBLISHED_PRIOR.score[dimension]?.[model] ?? Number.NaN;
      // 800 draws: standard error below 0.018.
      expect(Math.abs(share - published)).toBeLessThan(0.06);
    }
  });

  test('the same seed gives the same answers, another seed others', async () => {
    const list = tasks(60);
    const run = async (seed: number) => {
      const client = createSimulatedPool({ tasks: list, latencyScale: 0, seed }).client('kimi-k2.5');
      const results = await Promise.all(list.map((t) => client.complete(ask(t.prompt), never)));
      return JSON.stringify(results.map((r) => (r.kind === 'answered' ? [r.text, r.usage] : r)));
    };
    expect(await run(1)).toBe(await run(1));
    expect(await run(1)).not.toBe(await run(2));
  });

  test('says that it is simulated, and what it cannot do', async () => {
    const client = createSimulatedPool({ tasks: tasks(1), latencyScale: 0 }).client('glm-5');
    const known = await client.complete(ask('Mend program 0 of bug_fixing.'), never);
    expect(known).toMatchObject({ kind: 'answered', responseModel: 'simulated/glm-5' });
    const unknown = await client.complete(ask('Write a compiler.'), never);
    expect(unknown).toMatchObject({
      kind: 'answered',
      text: expect.stringContaining('the simulated pool can only answer the bundled example tasks'),
    });
    expect(JSON.stringify(unknown)).not.toContain('```');
  });

  test('reports usage within the allowance, reasoning as part of the output', async () => {
    const list = tasks(20);
    const client = createSimulatedPool({ tasks: list, latencyScale: 0 }).client('claude-opus-4-6');
    for (const t of list) {
      const result = await client.complete({ prompt: t.prompt, maxOutputTokens: 15 }, never);
      if (result.kind !== 'answered' || !result.usage) throw new Error('no usage');
      expect(result.usage.inputTokens).toBeGreaterThan(0);
      expect(result.usage.outputTokens).toBeLessThanOrEqual(15);
      expect(result.usage.reasoningTokens).toBeLessThanOrEqual(result.usage.outputTokens);
    }
  });

  test('faults come at the rate asked for and were not billed', async () => {
    const list = tasks(400);
    const client = createSimulatedPool({ tasks: list, latencyScale: 0, faultRate: 0.3 }).client('glm-5');
    const results = await Promise.all(list.map((t) => client.complete(ask(t.prompt), never)));
    const faults = results.filter((r) => r.kind === 'failed');
    expect(faults.length).toBeGreaterThan(80);
    expect(faults.length).toBeLessThan(160);
    for (const f of faults) expect(f).toMatchObject({ retryable: true, mayHaveBeenBilled: false });
  });

  test('a call can be cancelled while it thinks', async () => {
    const controller = new AbortController();
    const client = createSimulatedPool({ tasks: tasks(1), latencyScale: 1_000 }).client('glm-5');
    const pending = client.complete(ask('Mend program 0 of bug_fixing.'), controller.signal);
    controller.abort();
    expect(await pending).toMatchObject({ kind: 'failed', failure: 'cancelled', retryable: false });
  });
});
