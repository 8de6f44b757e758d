import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { RunView, TaskSummary } from '@acrouter/contracts/http';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerOf, collectAnswers, type CollectProgress, type RefactorService } from './collect';
import { Journal, nameOf, type JournalState } from './journal';

/** A gateway that settles one task whenever it is looked at, and can lose the answer to a submission. */
class FakeService implements RefactorService {
  readonly tasks_: { name: string; settled: boolean }[] = [];
  mostOpen = 0;
  runs = 0;
  loseNextAnswer = false;

  submitRun = () => Promise.resolve({ id: `run-${++this.runs}` });
  addTasks = (_run: string, tasks: readonly TaskSpec[]) => {
    const names = tasks.map((t) => t.id ?? '');
    if (this.tasks_.some((t) => names.includes(t.name))) throw new Error('a task of that name is there');
    this.tasks_.push(...names.map((name) => ({ name, settled: false })));
    this.mostOpen = Math.max(this.mostOpen, this.tasks_.filter((t) => !t.settled).length);
    if (!this.loseNextAnswer) return Promise.resolve({});
    this.loseNextAnswer = false;
    throw new Error('connection lost');
  };
  run = () => {
    const next = this.tasks_.find((t) => !t.settled);
    if (next) next.settled = true;
    const settled = this.tasks_.filter((t) => t.settled).length;
    return Promise.resolve({ taskCount: this.tasks_.length, settled, cancelled: false } as RunView);
  };
  async *runTasks() {
    for (const task of this.tasks_) yield await Promise.resolve(this.summary(task));
  }
  tasks = (filter: string) => {
    const name = new URLSearchParams(filter).get('external_id');
    const tasks = this.tasks_.filter((t) => t.name === name).map((t) => this.summary(t));
    return Promise.resolve({ tasks, nextCursor: null });
  };
  private summary = ({ name, settled }: { name: string; settled: boolean }) =>
    ({
      id: `id-${name}`,
      externalId: name,
      status: settled ? 'settled' : 'running',
      outcome: settled ? 'solved' : null,
      model: 'm',
      attempts: [{ model: 'm' }],
      costUsd: 0.1,
      unknownCalls: 0,
      simulated: false,
      answer: `answer of ${name}`,
    }) as unknown as TaskSummary;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-collect-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const state = (keys: string[], concurrency: number): JournalState => ({
  version: 1,
  id: 'r',
  createdAt: '2026-01-01T00:00:00.000Z',
  base: 'b',
  options: {
    globs: ['*'],
    instruction: 'i',
    verify: 'v',
    perFileVerify: null,
    maxCostUsd: null,
    maxAttempts: null,
    concurrency,
    branch: 'x',
    groupSize: 1,
    maxPromptTokens: 1_000,
    verifyTimeoutMs: 1_000,
    language: 'bash',
    include: [],
  },
  units: keys.map((key) => ({ key, paths: [key], skipped: null })),
  inLoop: true,
  runId: null,
  results: {},
  retries: {},
  checks: {},
  finished: false,
});

const collect = (
  journal: Journal,
  service: FakeService,
  progress: (seen: CollectProgress) => void = () => undefined,
) =>
  collectAnswers(journal, {
    service,
    taskOf: (unit) => ({ id: nameOf(journal.state, unit), prompt: 'p' }),
    progress,
    signal: new AbortController().signal,
  });

test('waits for the task that is submitted last, keeps the limit, writes every answer down', async () => {
  const service = new FakeService();
  const journal = Journal.create(folder, state(['a', 'b', 'c'], 1));
  await collect(journal, service);
  expect(service.mostOpen).toBe(1);
  const read = Journal.open(folder);
  expect(Object.keys(read.state.results).sort()).toEqual(['a', 'b', 'c']);
  expect(answerOf(read, 'c')).toBe('answer of c');
});

test('a submission whose answer was lost is not repeated, nor is anything after a restart', async () => {
  const service = new FakeService();
  service.loseNextAnswer = true;
  const journal = Journal.create(folder, state(['a', 'b'], 2));
  await collect(journal, service);
  await collect(Journal.open(folder), service);
  expect(service.tasks_.map((t) => t.name)).toEqual(['a', 'b']);
  expect(service.runs).toBe(1);
});

test('tells the time left while tasks wait for others, and none for the last ones', async () => {
  const seen: CollectProgress[] = [];
  const keys = ['a', 'b', 'c', 'd', 'e'];
  await collect(Journal.create(folder, state(keys, 2)), new FakeService(), (p) => seen.push(p));
  const told = new Map(seen.map((p) => [p.settled, p.leftMs]));
  expect(told.get(3)).toBeGreaterThan(0);
  expect([told.get(4), told.get(5)]).toEqual([null, null]);
}, 15_000);

test('a further round is a task of its own in the same run', async () => {
  const service = new FakeService();
  const journal = Journal.create(folder, state(['a', 'b'], 4));
  await collect(journal, service);
  journal.update((s) => (s.retries['b'] = { round: 2, reason: 'red' }));
  await collect(Journal.open(folder), service);
  expect(service.tasks_.map((t) => t.name)).toEqual(['a', 'b', 'b#2']);
  expect(service.runs).toBe(1);
});

test('a fault of the gateway is passed on', async () => {
  const service = new FakeService();
  service.addTasks = () => {
    throw new Error('refused');
  };
  await expect(collect(Journal.create(folder, state(['a'], 1)), service)).rejects.toThrow('refused');
});
