import type { Selectable } from 'kysely';
import type { Executor } from './client';
import { json, text } from './postgres-text';
import type { FeedbackTable } from './tables';

export type FeedbackRow = Selectable<FeedbackTable>;

/** What somebody other than the verifier says of an attempt. `source` is who, taken from the caller's key. */
export interface NewUserFeedback {
  id: string;
  tenantId: string;
  taskId: string;
  /** 0 = the task as a whole, when no attempt is meant. */
  attempt: number;
  source: `user:${string}`;
  metric: string;
  value: number | boolean | string;
  tags: readonly string[];
  reason: string | null;
}

export async function insertUserFeedback(trx: Executor, f: NewUserFeedback): Promise<void> {
  await trx
    .insertInto('feedback')
    .values({
      id: f.id,
      tenant_id: f.tenantId,
      task_id: f.taskId,
      attempt: f.attempt,
      source: f.source,
      metric: f.metric,
      value: json(f.value),
      tags: json(f.tags),
      reason: f.reason === null ? null : text(f.reason),
    })
    .execute();
}

/** All feedback on a task, the verifier's included, oldest first. */
export function feedbackOf(db: Executor, taskId: string): Promise<FeedbackRow[]> {
  return db
    .selectFrom('feedback')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/**
 * The attempt that feedback is about: that of the decision of `turn`, or without a turn the task's final one,
 * else its newest, else 0. `null` when this tenant has no such task, or the task no such turn.
 */
export async function attemptMeant(
  db: Executor,
  tenantId: string,
  taskId: string,
  turn: number | null,
): Promise<number | null> {
  const task = await db
    .selectFrom('tasks')
    .select('final_attempt')
    .where('id', '=', taskId)
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  if (!task) return null;
  if (turn !== null) return attemptOfTurn(db, taskId, turn);
  if (task.final_attempt !== null) return task.final_attempt;
  const newest = await db
    .selectFrom('attempts')
    .select('attempt')
    .where('task_id', '=', taskId)
    .orderBy('attempt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.attempt ?? 0;
}

async function attemptOfTurn(db: Executor, taskId: string, turn: number): Promise<number | null> {
  const decision = await db
    .selectFrom('decisions')
    .select('attempt')
    .where('task_id', '=', taskId)
    .where('turn', '=', turn)
    .executeTakeFirst();
  return decision ? (decision.attempt ?? 0) : null;
}
