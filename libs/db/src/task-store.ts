import { priorityRank, type Priority } from '@acrouter/domain/admission';
import type { LoopState } from '@acrouter/domain/loop';
import { initialState } from '@acrouter/domain/loop';
import type { TaskLimits, VerificationSpec } from '@acrouter/domain/task';
import { sql, type Selectable } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import { json, text } from './postgres-text';
import type { TasksTable } from './tables';

export type TaskRow = Selectable<TasksTable>;

/** A task as it was accepted. */
export interface NewTask {
  id: string;
  tenantId: string;
  runId: string | null;
  externalId: string | null;
  prompt: string;
  language: string | null;
  dimension: string | null;
  source: string | null;
  verification: VerificationSpec | null;
  metadata: Record<string, unknown>;
  limits: TaskLimits;
  traceparent: string | null;
  /** Default: normal. */
  priority?: Priority;
}

/** Adds tasks, and a budget for each that has a cost limit. */
export async function insertTasks(trx: Executor, tasks: readonly NewTask[]): Promise<void> {
  if (tasks.length === 0) return;
  await trx.insertInto('tasks').values(tasks.map(toRow)).execute();
  const budgets = tasks.flatMap((t) =>
    t.limits.maxCostUsd === null
      ? []
      : [{ scope: 'task' as const, scope_id: t.id, limit_usd: t.limits.maxCostUsd }],
  );
  if (budgets.length > 0) await trx.insertInto('budgets').values(budgets).execute();
}

function toRow(t: NewTask) {
  const state = initialState(t.limits);
  return {
    id: t.id,
    tenant_id: t.tenantId,
    run_id: t.runId,
    external_id: t.externalId === null ? null : text(t.externalId),
    prompt: text(t.prompt),
    language: t.language,
    dimension: t.dimension,
    source: t.source,
    verification: t.verification === null ? null : json(t.verification),
    metadata: json(t.metadata),
    max_attempts: t.limits.maxAttempts,
    max_outages: t.limits.maxOutages,
    max_cost_usd: t.limits.maxCostUsd,
    deadline_at: t.limits.deadlineAtMs === null ? null : new Date(t.limits.deadlineAtMs),
    cost_weight: t.limits.costWeight,
    traceparent: t.traceparent,
    state: json(state),
    phase: state.phase,
    priority: priorityRank(t.priority ?? 'normal'),
  };
}

export function loadTask(db: Executor, id: string): Promise<TaskRow | undefined> {
  return db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
}

const WORK_COLUMNS = [
  'id',
  'tenant_id',
  'run_id',
  'prompt',
  'language',
  'dimension',
  'verification',
  'traceparent',
  'expedited',
  'cancel_requested_at',
  'settled_at',
] as const;

/** A task as those need it who answer it and check answers. */
export type WorkTask = Pick<TaskRow, (typeof WORK_COLUMNS)[number]>;

/** Tasks by id; those that do not exist are not in it. */
export async function loadTasks(db: Executor, ids: readonly string[]): Promise<Map<string, WorkTask>> {
  const rows = await db
    .selectFrom('tasks')
    .modifyFront(plannedOnce)
    .select(WORK_COLUMNS)
    .where(sql<boolean>`id = any(${[...ids]})`)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Asks for a task's cancellation; the orchestrator carries it out. Says whether the task is in the loop or still
 * queued; `null` when it is settled or not this tenant's.
 */
export async function requestCancel(
  db: Executor,
  tenantId: string,
  id: string,
): Promise<'queued' | 'in-loop' | null> {
  const row = await db
    .updateTable('tasks')
    .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())` })
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .where('settled_at', 'is', null)
    .returning('admitted_at')
    .executeTakeFirst();
  if (!row) return null;
  return row.admitted_at === null ? 'queued' : 'in-loop';
}

/** An unsettled task that has not moved for a while, with the facts that tell which message it waits for. */
export interface StuckTask {
  id: string;
  phase: LoopState['phase'];
  turn: number;
  hasContext: boolean;
  cancelRequested: boolean;
  traceparent: string | null;
  expedited: boolean;
  attempt: number | null;
  model: string | null;
  attemptStatus: string | null;
}

/**
 * Takes up to `limit` tasks of the loop that have not moved for `idleMs` and on which nobody holds a lease, and marks them
 * as looked at. A task that still does not move is taken again after twice the time, up to 64 times `idleMs`. Several sweepers may run: each task is taken by one of them.
 */
export async function takeStuckTasks(trx: Executor, idleMs: number, limit: number): Promise<StuckTask[]> {
  const result = await sql<StuckTask>`
    with stuck as (
      select t.id from tasks t
      where t.settled_at is null and t.admitted_at is not null and t.progressed_at < now() - ${idleMs} * (2 ^ least(t.sweeps, 6)) * interval '1 millisecond'
        and not exists (select 1 from attempts a where a.task_id = t.id and a.lease_until > now())
      order by t.progressed_at limit ${limit} for update skip locked
    ), touched as (
      update tasks t set progressed_at = now(), sweeps = t.sweeps + 1 from stuck where t.id = stuck.id
      returning t.id, t.phase, (t.state->>'turn')::int as turn, t.cancel_requested_at, t.traceparent, t.expedited
    )
    select t.id, t.phase, t.turn, t.traceparent, t.expedited, t.cancel_requested_at is not null as "cancelRequested",
           exists (select 1 from contexts c where c.task_id = t.id) as "hasContext",
           a.attempt, a.model, a.status as "attemptStatus"
    from touched t
    left join lateral (select attempt, model, status from attempts where task_id = t.id order by attempt desc limit 1) a on true`.execute(
    trx,
  );
  return result.rows;
}
