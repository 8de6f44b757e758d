import { sql, type RawBuilder } from 'kysely';
import type { Executor } from './client';
import { rowSet } from './row-set';
import { runIsFinished } from './run-store';

/** What `GET /v1/runs/:id/events` streams. */
export type EventType = 'task.accepted' | 'task.decided' | 'task.attempt-finished' | 'task.settled';

export interface NewEvent {
  tenantId: string;
  runId: string | null;
  taskId: string;
  type: EventType;
  data: Record<string, unknown>;
}

/** Statement that adds events, in the transaction of the change they tell of. */
export function eventsStep(events: readonly NewEvent[]): RawBuilder<unknown> {
  return sql`
    insert into events (tenant_id, run_id, task_id, type, data)
    select "tenantId", "runId", "taskId", type, data
    from ${rowSet(events, '"tenantId" text, "runId" text, "taskId" text, type text, data jsonb')}`;
}

/** Adds events. */
export async function insertEvents(trx: Executor, events: readonly NewEvent[]): Promise<void> {
  if (events.length > 0) await eventsStep(events).execute(trx);
}

/**
 * A place in the order of events. Ids are given out before a transaction commits, so a lower id can become
 * visible after a higher one; by (transaction id, id), and only up to the oldest transaction still running,
 * nothing can appear behind the reader.
 */
export interface EventCursor {
  xid: string;
  id: number;
}

/** Before the first event. */
export const FIRST_EVENT: EventCursor = { xid: '0', id: 0 };

export interface StoredEvent {
  cursor: EventCursor;
  taskId: string;
  type: string;
  data: Record<string, unknown>;
  at: Date;
}

/** The next up to `limit` events of a run after `after`, in the order of their transactions. */
export async function readRunEvents(
  db: Executor,
  runId: string,
  after: EventCursor,
  limit: number,
): Promise<StoredEvent[]> {
  const { rows } = await sql<EventRow>`
    select id, xid::text as xid, task_id, type, data, at from events
    where run_id = ${runId} and ${isAfter(after)} and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by events.xid, id limit ${limit}`.execute(db);
  return rows.map((r) => ({
    cursor: { xid: r.xid, id: r.id },
    taskId: r.task_id,
    type: r.type,
    data: r.data,
    at: r.at,
  }));
}

/**
 * Whether a reader at `after` has seen all that will ever come: the run is finished and no event is left.
 * One statement, so that both are true of the same moment.
 */
export async function isRunDrained(db: Executor, runId: string, after: EventCursor): Promise<boolean> {
  const { rows } = await sql<{ drained: boolean }>`
    select ${runIsFinished} and not exists (
      select 1 from events where run_id = r.id and ${isAfter(after)}) as drained
    from runs r where r.id = ${runId}`.execute(db);
  return rows[0]?.drained ?? true;
}

interface EventRow {
  id: number;
  xid: string;
  task_id: string;
  type: string;
  data: Record<string, unknown>;
  at: Date;
}

const isAfter = (c: EventCursor) => sql<boolean>`(events.xid, events.id) > (${c.xid}::xid8, ${c.id}::bigint)`;
