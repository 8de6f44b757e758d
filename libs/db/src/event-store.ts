import { json, type Executor } from './client';

/** What `GET /v1/runs/:id/events` streams. */
export type EventType = 'task.accepted' | 'task.decided' | 'task.attempt-finished' | 'task.settled';

export interface NewEvent {
  tenantId: string;
  runId: string | null;
  taskId: string;
  type: EventType;
  data: Record<string, unknown>;
}

/** Adds events in the transaction of the change they tell of. */
export async function insertEvents(trx: Executor, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((e) => ({
    tenant_id: e.tenantId,
    run_id: e.runId,
    task_id: e.taskId,
    type: e.type,
    data: json(e.data),
  }));
  await trx.insertInto('events').values(rows).execute();
}
