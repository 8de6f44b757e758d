import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBenchmark } from './bench-source';
import { runReplay } from './run-replay';
import { readUserData } from './user-data';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-user-data-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const TASKS = ['{"id":"t1","dimension":"algorithm","prompt":"sort a list"}', '', '{"id":"t2"}'];
const RESULTS = [
  '{"taskId":"t1","model":"a","score":1,"costUsd":0.1}',
  '{"taskId":"t1","model":"b","score":0,"costUsd":null}',
  '{"task_id":"t2","model":"a","score":0.5,"cost_usd":0.2}',
];

function files(tasks: readonly string[] = TASKS, results: readonly string[] = RESULTS) {
  const paths = { tasks: join(folder, 'tasks.jsonl'), results: join(folder, 'results.jsonl') };
  writeFileSync(paths.tasks, tasks.join('\n'));
  writeFileSync(paths.results, results.join('\n'));
  return paths;
}

test('reads tasks and results; what is missing is missing, not 0', () => {
  const { models, tasks, unknownCostCells } = readUserData(files());
  expect(models.map((m) => m.id)).toEqual(['a', 'b']);
  expect(unknownCostCells).toBe(1);
  expect(tasks.map((t) => t.cells)).toEqual([
    [
      { score: 1, costUsd: 0.1 },
      { score: 0, costUsd: null },
    ],
    [{ score: 0.5, costUsd: 0.2 }, null],
  ]);
});

test.each([
  [
    TASKS,
    [...RESULTS, '{"taskId":"t3","model":"a","score":1}'],
    'results.jsonl:4: the tasks file has no task "t3"',
  ],
  [TASKS, [...RESULTS, '', '{"taskId":"t2","score":1}'], 'results.jsonl:5: a result needs a "model"'],
  [
    TASKS,
    ['{"taskId":"t1","model":"a","score":"1"}'],
    'results.jsonl:1: "score" must be a number from 0 to 1',
  ],
  [TASKS, ['{"taskId":"t1","model":"a","score":7}'], 'results.jsonl:1: "score" must be a number from 0 to 1'],
  [TASKS, ['{"taskId":"t1","model":"a","score":1,"costUsd":-1}'], 'results.jsonl:1: "costUsd" must be'],
  [TASKS, [...RESULTS, RESULTS[0] ?? ''], 'results.jsonl:4: a has a second result on "t1"'],
  [TASKS, ['{"taskId":'], 'results.jsonl:1 is not a JSON object'],
  [['{"id":"t1"}', '{"id":"t1"}'], RESULTS, 'tasks.jsonl:2: the task "t1" is there twice'],
  [['{"dimension":"algorithm"}'], RESULTS, 'tasks.jsonl:1: a task needs an "id"'],
  [['{"id":"t1","dimension":"algoritm"}'], RESULTS, 'tasks.jsonl:1: "dimension" must be one of'],
])('a wrong line is named by file and number (%#)', (tasks, results, message) => {
  expect(() => readUserData(files(tasks, results))).toThrow(message);
});

test('a file that is not there, and prices that are none, are named', () => {
  const paths = files();
  expect(() => readUserData({ ...paths, tasks: join(folder, 'none.jsonl') })).toThrow(
    /none\.jsonl is not there/,
  );
  const models = join(folder, 'prices.json');
  writeFileSync(models, '{"models":[{"id":"a"}]}');
  expect(() => readUserData({ ...paths, models })).toThrow(/prices\.json must read/);
});

test('a policy that is misspelt is named before anything runs', async () => {
  const options = {
    ...{ maxAttempts: 1, costWeight: 0.1, verifierNoise: 0, attemptPrice: 0 },
    unknownCost: 'mean' as const,
  };
  const request = { source: { data: files(), prior: 'none' }, options, orders: 1, workers: 0 };
  for (const name of ['vote-ensembel', 'always:c', 'llm-few-shot'])
    await expect(runReplay({ ...request, policies: [name] })).rejects.toThrow(`There is no policy "${name}"`);
});

test('prompts of one’s own are embedded unless metadata is asked for', () => {
  const source = { data: files(), prior: 'none' };
  const { tasks, embeddedPrompts } = openBenchmark(source);
  expect(embeddedPrompts).toBe(1);
  expect(tasks.map((t) => t.context.features?.length ?? null)).toEqual([384, null]);
  expect(openBenchmark({ ...source, neighbours: 'metadata' }).tasks[0]?.context.features).toBeNull();
});
