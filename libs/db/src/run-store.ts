import { priorityOf, priorityRank, type Priority } from '@acrouter/domain/admission';
import { sql } from 'kysely';
import type { Executor } from './client';
import type { TaskMarks } from './outbox-store';
import { json, text } from './postgres-text';

/** A run as it was asked for. */
export interface NewRun {
  id: string;
  tenantId: string;
  name: string | null;
  maxCostUsd: number | null;
  /** Tasks that the run will have once all chunks are in; `null` = those it has. */
  expectedTasks: number | null;
  metadata: Record<string, unknown>;
  /** Of its tasks that name none. Default: normal. */
  priority?: Priority;
}

/** Adds an empty run, and its budget where it has a cost limit. */
export async function insertRun(trx: Executor, run: NewRun): Promise<void> {
  await trx
    .insertInto('runs')
    .values({
      id: run.id,
      tenant_id: run.tenantId,
      name: run.name === null ? null : text(run.name),
      max_cost_usd: run.maxCostUsd,
      expected_tasks: run.expectedTasks,
      metadata: json(run.metadata),
      priority: run.priority === undefined ? null : priorityRank(run.priority),
    })
    .execute();
  if (run.maxCostUsd !== null)
    await trx
      .insertInto('budgets')
      .values({ scope: 'run', scope_id: run.id, limit_usd: run.maxCostUsd })
      .execute();
}

/**
 * Counts `count` more tasks into a run and locks it until the transaction ends, so that chunks come in one after
 * the other. `missing`: no such run of this tenant · `cancelled`: it takes no more tasks
 */
export async function growRun(
  trx: Executor,
  tenantId: string,
  runId: string,
  count: number,
): Promise<{ name: string | null; taskCount: number; priority: Priority } | 'missing' | 'cancelled'> {
  const row = await trx
    .updateTable('runs')
    .set({ task_count: sql<number>`task_count + ${count}` })
    .where('id', '=', runId)
    .where('tenant_id', '=', tenantId)
    .returning(['name', 'task_count', 'priority', 'cancelled_at'])
    .executeTakeFirst();
  if (!row) return 'missing';
  if (row.cancelled_at !== null) return 'cancelled';
  const priority = row.priority === null ? 'normal' : priorityOf(row.priority);
  return { name: row.name, taskCount: row.task_count, priority };
}

/** Those of `externalIds` that a run has already. */
export async function takenExternalIds(
  trx: Executor,
  runId: string,
  externalIds: readonly string[],
): Promise<string[]> {
  if (externalIds.length === 0) return [];
  const rows = await trx
    .selectFrom('tasks')
    .select('external_id')
    .where('run_id', '=', runId)
    .where(sql<boolean>`external_id = any(${externalIds.map(text)})`)
    .execute();
  return rows.map((r) => r.external_id ?? '');
}

/** Whether this tenant has this run. */
export async function runExists(db: Executor, tenantId: string, runId: string): Promise<boolean> {
  const row = await db
    .selectFrom('runs')
    .select('id')
    .where('id', '=', runId)
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Closes a run to new tasks and asks for the cancellation of those that are not settled.
 * Returns them, `queued` for those not in the loop yet; `null` when there is no such run of this tenant. Repeating it returns the ones still open.
 */
export async function requestRunCancel(
  trx: Executor,
  tenantId: string,
  runId: string,
): Promise<(TaskMarks & { id: string; queued: boolean })[] | null> {
  const run = await trx
    .updateTable('runs')
    .set({ cancelled_at: sql<Date>`coalesce(cancelled_at, now())` })
    .where('id', '=', runId)
    .where('tenant_id', '=', tenantId)
    .returning('id')
    .executeTakeFirst();
  if (!run) return null;
  // In the order of ids, like every other place that locks many tasks.
  await sql`select id from tasks where run_id = ${runId} and settled_at is null order by id for update`.execute(
    trx,
  );
  return trx
    .updateTable('tasks')
    .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())` })
    .where('run_id', '=', runId)
    .where('settled_at', 'is', null)
    .returning(['id', 'traceparent', 'expedited', sql<boolean>`admitted_at is null`.as('queued')])
    .execute();
}

/**
 * SQL: whether a run `r` has all its tasks and all are settled. A run without tasks is not finished, unless it
 * was cancelled; a cancelled run waits for no further ones.
 */
export const runIsFinished = sql<boolean>`(
  (r.cancelled_at is not null or (r.task_count > 0 and r.task_count >= coalesce(r.expected_tasks, 0)))
  and not exists (select 1 from tasks t where t.run_id = r.id and t.settled_at is null))`;
