import type { RunView, TaskSummary } from '@acrouter/contracts/http';
import { money, plain, score } from '../text-layout';

/** How a task ended, as pipelines see it. `pending`: it has not. */
export type CiVerdict = 'solved' | 'unsolved' | 'over-budget' | 'infrastructure' | 'cancelled' | 'pending';

/** One task of a run, for every format of report. */
export interface CiTask {
  /** The user's id of the task; may hold anything but line breaks and control characters. */
  name: string;
  verdict: CiVerdict;
  /** One sentence without line breaks. */
  message: string;
  dimension: string;
  durationMs: number;
  attempts: number;
  model: string | null;
  costUsd: number | null;
  /** Line of the task file, from 1; `null` when the file is not here. */
  line: number | null;
}

/** A run with its tasks. */
export interface CiResult {
  run: RunView;
  tasks: readonly CiTask[];
  /** Path of the task file relative to the repository; `null` when not known. */
  file: string | null;
}

/** @param line of the task file, from 1 */
export function toCiTask(task: TaskSummary, line: number | null): CiTask {
  const verdict = verdictOf(task);
  return {
    name: plain(task.externalId ?? task.id),
    verdict,
    message: plain(messageOf(task, verdict)),
    dimension: task.dimension ?? 'unknown',
    durationMs: task.durationMs ?? 0,
    attempts: task.attempts.length,
    model: task.model === null ? null : plain(task.model),
    costUsd: task.costUsd,
    line,
  };
}

function verdictOf(task: TaskSummary): CiVerdict {
  if (task.outcome === null) return 'pending';
  if (task.solved) return 'solved';
  if (task.outcome === 'failed') return 'infrastructure';
  if (task.outcome === 'over-budget' || task.outcome === 'cancelled') return task.outcome;
  return 'unsolved';
}

function messageOf(task: TaskSummary, verdict: CiVerdict): string {
  const models = [...new Set(task.attempts.map((a) => a.model))].join(', ');
  const tried = `${task.attempts.length} attempt${task.attempts.length === 1 ? '' : 's'}${models && ` (${models})`}`;
  const explain = `"acr explain ${task.id}" tells more`;
  const reason = task.attempts.findLast((a) => a.error)?.error?.message;
  if (verdict === 'solved')
    return `Solved by ${task.model ?? 'a model'} after ${tried}, ${money(task.costUsd)}`;
  if (verdict === 'pending') return `Not settled yet, after ${tried}; ${explain}`;
  if (verdict === 'cancelled') return `Cancelled after ${tried}`;
  if (verdict === 'over-budget') return `A budget did not allow another call, after ${tried}; ${explain}`;
  if (verdict === 'infrastructure')
    return `No model answered, after ${tried}${reason ? `: ${reason}` : ''}; ${explain}`;
  if (task.outcome === 'unverified') return `Answered, but nothing could check the answer; ${explain}`;
  return `${task.outcome === 'expired' ? 'Out of time' : 'Not solved'} after ${tried}, best score ${score(task.score)}; ${explain}`;
}

/** Lines of a task file that hold a task, in order, from 1: the k-th task of a run is on the k-th of them. */
export function taskLines(text: string): number[] {
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [i + 1]));
}
