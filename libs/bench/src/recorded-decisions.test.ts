import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchmarkTask } from './benchmark';
import { readLogged, readPublished } from './recorded-decisions';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-decisions-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const cell = { score: 1, costUsd: 0.1 };
const task = (id: string, cells: BenchmarkTask['cells']) => [id, { id, cells } as BenchmarkTask] as const;
const ROWS = {
  models: [{ id: 'a' }, { id: 'b' }],
  tasks: new Map([task('t1', [cell, cell]), task('t2', [cell, null])]),
};
const lines = (values: readonly object[]) => values.map((value) => JSON.stringify(value)).join('\n');

test('published decisions: chains and single choices; what cannot be replayed is told, foreign tasks are not', () => {
  mkdirSync(join(folder, 'published_decisions'));
  const decisions = [
    { task_id: 't1', chain_run: ['b', 'a'] },
    { task_id: 't2', chosen_model: 'b' },
    { task_id: 't1', chosen_model: 'a' },
    { task_id: 'of the other half', chosen_model: 'a' },
    { task_id: 't2' },
  ];
  writeFileSync(join(folder, 'published_decisions', 'router.jsonl'), lines(decisions));
  const { recorded, notes } = readPublished(folder, ROWS);
  expect(recorded).toEqual([{ name: 'published:router', byTask: new Map([['t1', ['b', 'a']]]) }]);
  expect(notes).toEqual([
    'router.jsonl: 1 line left out, the first is line 2: its model has no result on its task.',
    'router.jsonl: 1 line left out, the first is line 3: an earlier line decides on the same task.',
    'router.jsonl: 1 line left out, the first is line 5: it needs "task_id", and "chosen_model" or "chain_run".',
  ]);
});

test('nothing published is said', () => {
  expect(readPublished(folder, ROWS).notes).toEqual([
    expect.stringContaining('nothing published is compared'),
  ]);
});

test('logged decisions are in the order of their attempts, each model once; a broken line is named', () => {
  const file = join(folder, 'decisions.jsonl');
  const log = [
    { taskId: 't1', attempt: 2, model: 'a' },
    { taskId: 't1', attempt: 1, model: 'b' },
    { taskId: 't1', attempt: 3, model: 'a' },
    { taskId: 't2', attempt: 1, model: 'b' },
  ];
  writeFileSync(file, lines(log));
  expect(readLogged(file, ROWS)).toEqual({
    recorded: [{ name: 'logged:decisions', byTask: new Map([['t1', ['b', 'a']]]) }],
    notes: ['decisions.jsonl: 1 line left out, the first is line 4: its model has no result on its task.'],
  });
  writeFileSync(file, lines([...log, { taskId: 't1', model: 'a' }]));
  expect(() => readLogged(file, ROWS)).toThrow(/decisions\.jsonl:5: a decision needs/);
});
