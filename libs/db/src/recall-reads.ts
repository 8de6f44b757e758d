import { sql } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import type { TaskRow } from './task-store';

/** A task as memory needs it for a recall. */
export type RecallTask = Pick<
  TaskRow,
  'id' | 'tenant_id' | 'prompt' | 'language' | 'dimension' | 'settled_at' | 'traceparent' | 'expedited'
> & {
  /** It has its context already. */
  known: boolean;
};

/** Tasks by id; those that do not exist (any more) are not in it. */
export async function tasksToRecall(
  db: Executor,
  taskIds: readonly string[],
): Promise<Map<string, RecallTask>> {
  const { rows } = await sql<RecallTask>`
    ${plannedOnce} select t.id, t.tenant_id, t.prompt, t.language, t.dimension, t.settled_at, t.traceparent, t.expedited,
           coalesce((select true from contexts c where c.task_id = t.id), false) as known
    from tasks t where t.id = any(${[...taskIds]})`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}
