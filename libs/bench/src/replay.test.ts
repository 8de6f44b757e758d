import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPolicy } from '@acrouter/domain/routing/registry';
import { setupOf } from './bench-source';
import type { BenchSource } from './bench-source';
import { readCodeRouterBench } from './coderouterbench';
import { prepare, replayStream, settle } from './replay';
import { runReplay } from './run-replay';
import { driftStudy } from './drift-study';
import { readUserData } from './user-data';

/** Rows made here in the released format: model a solves even tasks, b (dear) solves all but every tenth. */
let directory: string;
const TASKS = 60;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'acr-bench-'));
  const header =
    'task_id,split,source_split,dimension,model,score,cost_usd,input_tokens,output_tokens,total_tokens,latency_ms,cost_source';
  const rows = Array.from({ length: TASKS }, (_, i) => {
    const id = `dim2_lcb_abc${300 + i}_c`;
    const a = `${id},id_test,test,algorithm,a,${i % 2 === 0 ? 1 : 0},0.001,10,10,20,5,token_log_pricing`;
    const isUnknown = i === 3;
    const b = `${id},id_test,test,algorithm,b,${i % 10 === 0 ? 0 : 1},${isUnknown ? 0 : 0.01},${isUnknown ? 0 : 10},0,0,5,${isUnknown ? 'missing_token_record_zero_total' : 'token_log_pricing'}`;
    return `${a}\n${b}`;
  });
  writeFileSync(join(directory, 'id_results_long.csv'), `${header}\n${rows.join('\n')}\n`);
  const models = [
    { model: 'a', input_per_1m: 1, output_per_1m: 2 },
    { model: 'b', input_per_1m: 10, output_per_1m: 20 },
  ];
  writeFileSync(join(directory, 'models.json'), JSON.stringify({ models }));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const OPTIONS = {
  maxAttempts: 1,
  costWeight: 1,
  verifierNoise: 0,
  attemptPrice: 0,
  unknownCost: 'mean' as const,
};
const source = (): BenchSource => ({ data: { directory, set: 'id' }, prior: 'none' });

describe('CodeRouterBench rows', () => {
  test('ids name source and contest; a zero without tokens is an unknown cost', () => {
    const benchmark = readCodeRouterBench(directory, 'id');
    expect(benchmark.tasks).toHaveLength(TASKS);
    expect(benchmark.tasks[0]?.context).toMatchObject({
      source: 'lcb',
      difficulty: 'abc',
      dimension: 'algorithm',
    });
    expect(benchmark.unknownCostCells).toBe(1);
    expect(benchmark.tasks[3]?.cells[1]).toEqual({ score: 1, costUsd: null });
  });

  test('an unknown cost counts at the mean of its model in regret, or as zero where asked', () => {
    const benchmark = readCodeRouterBench(directory, 'id');
    expect(prepare(benchmark, 'mean').chargedUsd[3]?.[1]).toBeCloseTo(0.01);
    expect(prepare(benchmark, 'zero').chargedUsd[3]?.[1]).toBe(0);
  });
});

describe('replay', () => {
  test('regret is the best single reward minus the reward, every attempt charged', () => {
    const prepared = prepare(readCodeRouterBench(directory, 'id'), 'mean');
    const attempt = (model: number, score: number) => ({
      model,
      score,
      observed: score,
      costUsd: 0,
      probability: 1,
    });
    // Task 1: a fails, b solves. Best single: b, 1 − 0.01. Both tried: 1 − 0.011.
    expect(settle(prepared, 1, [attempt(0, 0), attempt(1, 1)], 1).regret).toBeCloseTo(0.001);
    expect(settle(prepared, 1, [attempt(0, 0)], 1).regret).toBeCloseTo(0.99 + 0.001);
    expect(settle(prepared, 1, [], 1)).toMatchObject({ score: 0 });
  });

  test('the same order gives the same stream; escalation stops at the first success', () => {
    const benchmark = readCodeRouterBench(directory, 'id');
    const setup = setupOf(source(), benchmark);
    const run = (order: number) =>
      replayStream(
        prepare(benchmark, 'mean'),
        createPolicy('cheapest-first', setup),
        { ...OPTIONS, maxAttempts: 2 },
        order,
      );
    expect(run(1)).toEqual(run(1));
    expect(run(1).map((t) => t.task)).not.toEqual(run(2).map((t) => t.task));
    for (const task of run(1)) {
      expect(task.attempts.map((a) => a.model)).toEqual(task.task % 2 === 0 ? [0] : [0, 1]);
    }
  });

  test('verifier noise flips verdicts, not what the answer is worth', () => {
    const benchmark = readCodeRouterBench(directory, 'id');
    const setup = setupOf(source(), benchmark);
    const options = { ...OPTIONS, verifierNoise: 0.3 };
    const tasks = replayStream(prepare(benchmark, 'mean'), createPolicy('always:a', setup), options, 1);
    const attempts = tasks.map((t) => ({ task: t.task, attempt: t.attempts[0] }));
    expect(attempts.every(({ task, attempt }) => attempt?.score === (task % 2 === 0 ? 1 : 0))).toBe(true);
    const flipped = attempts.filter(({ attempt }) => attempt?.observed !== attempt?.score).length;
    expect(flipped).toBeGreaterThan(TASKS * 0.1);
    expect(flipped).toBeLessThan(TASKS * 0.5);
  });

  test('one default per table; a learner beats chance; an interrupted run goes on', async () => {
    const resumeFile = join(directory, 'streams.jsonl');
    const request = {
      source: source(),
      options: OPTIONS,
      policies: ['vote-ensemble', 'random'],
      orders: 3,
      resumeFile,
    };
    const { rows } = await runReplay(request);
    expect(rows.filter((row) => row.default).map((row) => row.policy)).toEqual(['vote-ensemble']);
    expect(rows[0]).toMatchObject({ policy: 'vote-ensemble', orders: 3, tasks: TASKS });
    const steps: number[] = [];
    const again = await runReplay({ ...request, onProgress: (done) => steps.push(done) });
    expect(steps).toEqual([6]);
    expect(again.rows).toEqual(rows);
  });

  test('the drift study weakens the best model in the second half only', () => {
    const benchmark = readCodeRouterBench(directory, 'id');
    const outcome = driftStudy(benchmark, setupOf(source(), benchmark), 'vote-ensemble', OPTIONS, 2, 2);
    expect(outcome.tasks).toBe(4 * TASKS);
    expect(outcome.drifting.withoutRule.mean).toBeGreaterThan(outcome.steady.withoutRule.mean);
  });
});

test("a user's own files are read, and a result of an unknown task is refused", () => {
  const tasks = join(directory, 'tasks.jsonl');
  const results = join(directory, 'results.jsonl');
  writeFileSync(tasks, '{"id":"t1","dimension":"algorithm"}\n');
  writeFileSync(results, '{"taskId":"t1","model":"m","score":0.5,"costUsd":null}\n');
  const benchmark = readUserData({ tasks, results });
  expect(benchmark.unknownCostCells).toBe(1);
  expect(benchmark.tasks[0]?.cells).toEqual([{ score: 0.5, costUsd: null }]);
  writeFileSync(results, '{"taskId":"t2","model":"m","score":0.5}\n');
  expect(() => readUserData({ tasks, results })).toThrow(/tasks file/);
});
