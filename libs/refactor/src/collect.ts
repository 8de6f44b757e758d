import type { RunView, SubmitRun, TaskPage, TaskSummary } from '@acrouter/contracts/http';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { AcrError } from '@acrouter/domain/errors';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf, writeAtomically, type Journal, type Unit } from './journal';
import { TimeLeft } from './time-left';

/** What a refactor asks of the gateway; the client of apps/cli fits. */
export interface RefactorService {
  submitRun(run: SubmitRun, idempotencyKey: string): Promise<{ id: string }>;
  addTasks(runId: string, tasks: readonly TaskSpec[], idempotencyKey: string): Promise<unknown>;
  run(id: string): Promise<RunView>;
  runTasks(id: string): AsyncIterable<TaskSummary>;
  tasks(filter: string): Promise<TaskPage>;
}

/** What is seen while tasks are in the loop. */
export interface CollectProgress {
  settled: number;
  total: number;
  solved: number;
  costUsd: number | null;
  unknownCalls: number;
  attempts: number;
  simulated: boolean;
  /** Time left, ms; `null` where nobody can tell. */
  leftMs: number | null;
}

export interface CollectDependencies {
  service: RefactorService;
  taskOf: (unit: Unit) => TaskSpec;
  progress: (progress: CollectProgress) => void;
  signal: AbortSignal;
}

const POLL_MS = 500;
/** Requests stay well below the gateway's limit of 32 MB. */
const MAX_REQUEST_CHARS = 8_000_000;

/**
 * Gets the answers: submits what the run does not have yet, at most `concurrency` tasks at once, and writes every
 * settled task's result down. Repeated after a crash it submits nothing twice: a run holds each task once, by name.
 * @throws AcrError of the gateway; the signal's reason when interrupted
 */
export async function collectAnswers(journal: Journal, deps: CollectDependencies): Promise<void> {
  const asked = journal.state.units.filter((u) => u.skipped === null);
  if (asked.every((u) => journal.state.results[nameOf(journal.state, u)])) return;
  const runId = journal.state.runId ?? (await beginRun(journal, deps, asked.length));
  const missing = await notSubmitted(journal, deps, runId, asked);
  let time: TimeLeft | null = null;
  for (;;) {
    deps.signal.throwIfAborted();
    const run = await deps.service.run(runId);
    time ??= new TimeLeft(Date.now(), run.settled, journal.state.options.concurrency);
    const open = run.taskCount - run.settled;
    // Counted before anything is submitted: `run` does not know those tasks yet.
    const waiting = open + (run.cancelled ? 0 : missing.length);
    const total = run.taskCount + missing.length;
    const room = journal.state.options.concurrency - open;
    if (missing.length > 0 && room > 0 && !run.cancelled)
      await submitSome(journal, deps, runId, missing, room);
    if (run.settled > Object.keys(journal.state.results).length) await readResults(journal, deps, runId);
    deps.progress({ ...run, total, leftMs: time.after(run.settled, total, Date.now()) });
    if (waiting === 0 && run.settled === Object.keys(journal.state.results).length) return;
    await sleep(POLL_MS, undefined, { signal: deps.signal });
  }
}

async function beginRun(journal: Journal, deps: CollectDependencies, total: number): Promise<string> {
  const { id, options } = journal.state;
  const run = await deps.service.submitRun(
    {
      name: `refactor ${id}`,
      maxCostUsd: options.maxCostUsd ?? undefined,
      expectedTasks: total,
      metadata: { refactor: id },
    },
    `refactor-${id}`,
  );
  journal.update((s) => (s.runId = run.id));
  return run.id;
}

async function notSubmitted(
  journal: Journal,
  deps: CollectDependencies,
  runId: string,
  asked: readonly Unit[],
): Promise<Unit[]> {
  const there = new Set<string | null>();
  for await (const task of deps.service.runTasks(runId)) there.add(task.externalId);
  return asked.filter((u) => !there.has(nameOf(journal.state, u)));
}

/** Submits the first of `missing` and removes them from it. */
async function submitSome(
  journal: Journal,
  deps: CollectDependencies,
  runId: string,
  missing: Unit[],
  room: number,
): Promise<void> {
  const specs: TaskSpec[] = [];
  for (let chars = 0; specs.length < Math.min(room, missing.length);) {
    const spec = deps.taskOf(missing[specs.length] as Unit);
    chars += JSON.stringify(spec).length;
    if (specs.length > 0 && chars > MAX_REQUEST_CHARS) break;
    specs.push(spec);
  }
  const names = specs.map((s) => s.id).join('\n');
  const key = `refactor-${journal.state.id}.${createHash('sha256').update(names).digest('hex').slice(0, 32)}`;
  try {
    await deps.service.addTasks(runId, specs, key);
    missing.splice(0, specs.length);
  } catch (error) {
    // A request of ours that was under way when we were killed may have come through after we looked.
    const left = await notSubmitted(journal, deps, runId, missing);
    if (left.length === missing.length) throw error;
    missing.splice(0, missing.length, ...left);
  }
}

async function readResults(journal: Journal, deps: CollectDependencies, runId: string): Promise<void> {
  mkdirSync(join(journal.folder, 'answers'), { recursive: true });
  for await (const task of deps.service.runTasks(runId)) {
    const key = task.externalId;
    if (task.status !== 'settled' || task.outcome === null || key === null || journal.state.results[key])
      continue;
    const answer = await readAnswer(deps, runId, key);
    if (answer !== null) writeAtomically(answerFile(journal, key), answer);
    const { outcome } = task;
    journal.update((s) => {
      s.results[key] = {
        taskId: task.id,
        outcome,
        model: task.model,
        models: task.attempts.map((a) => a.model),
        costUsd: task.costUsd,
        unknownCalls: task.unknownCalls,
        simulated: task.simulated,
        answered: answer !== null,
      };
    });
  }
}

async function readAnswer(deps: CollectDependencies, runId: string, key: string): Promise<string | null> {
  const query = new URLSearchParams({ run: runId, external_id: key, include: 'answer', limit: '1' });
  const task = (await deps.service.tasks(query.toString())).tasks[0];
  if (!task) throw new AcrError('ACR_NOT_FOUND', `The gateway no longer knows task ${key} of run ${runId}.`);
  return task.answer ?? null;
}

const answerFile = (journal: Journal, key: string): string =>
  join(journal.folder, 'answers', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.txt`);

/** The answer of a settled task by its name, `null` where no model gave one. */
export function answerOf(journal: Journal, key: string): string | null {
  const file = answerFile(journal, key);
  return journal.state.results[key]?.answered && existsSync(file) ? readFileSync(file, 'utf8') : null;
}
