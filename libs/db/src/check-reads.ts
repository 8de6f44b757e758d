import { sql } from 'kysely';
import type { AttemptRow } from './attempt-store';
import type { Executor } from './client';
import { rowSet } from './row-set';
import { loadTasks, type WorkTask } from './task-store';

/** What checking an attempt needs of it. */
export type CheckedAttempt = Pick<
  AttemptRow,
  'task_id' | 'attempt' | 'model' | 'status' | 'answer' | 'signals'
>;

/** An attempt to be checked, with its task. */
export interface AttemptToCheck {
  task: WorkTask;
  row: CheckedAttempt;
  /** The task's, or what memory inferred where the user did not say. */
  dimension: string | null;
}

/** One per key, in their order; `null` = no such attempt. One attempt per task. */
export async function attemptsToCheck(
  db: Executor,
  keys: readonly { taskId: string; attempt: number }[],
): Promise<(AttemptToCheck | null)[]> {
  const tasks = await loadTasks(
    db,
    keys.map((k) => k.taskId),
  );
  const { rows } = await sql<CheckedAttempt & { dimension: string | null }>`
    select a.task_id, a.attempt, a.model, a.status, a.answer, a.signals, c.dimension from ${rowSet(keys, '"taskId" text, attempt int')}
    join attempts a on a.task_id = r."taskId" and a.attempt = r.attempt
    left join contexts c on c.task_id = a.task_id`.execute(db);
  const attempts = new Map(rows.map((row) => [row.task_id, row]));
  return keys.map(({ taskId }) => {
    const task = tasks.get(taskId);
    const row = attempts.get(taskId);
    return task && row ? { task, row, dimension: task.dimension ?? row.dimension } : null;
  });
}
