import { sql } from 'kysely';
import type { Executor } from './client';
import { knownCost } from './run-reads';

/** Tasks that retention has deleted, with what their calls cost. */
export interface DeletedSums {
  tasks: number;
  solved: number;
  calls: number;
  /** `null`: calls were made, and the cost of none is known. */
  costUsd: number | null;
  unknownCalls: number;
}

/** Sums over a tenant's deleted tasks that settled in [since, until), by whole UTC days. */
export async function readDeletedSums(
  db: Executor,
  scope: { tenantId: string; since: Date | null; until: Date | null },
): Promise<DeletedSums> {
  const days = sql`tenant_id = ${scope.tenantId}
    and (${scope.since}::timestamptz is null or day >= (${scope.since}::timestamptz at time zone 'UTC')::date)
    and (${scope.until}::timestamptz is null or day < (${scope.until}::timestamptz at time zone 'UTC')::date)`;
  const { rows } = await sql<DeletedRow>`
    select t.tasks, t.solved, l.calls, l.unknown, l.cost
    from (select coalesce(sum(tasks), 0)::float8 as tasks,
                 coalesce(sum(tasks) filter (where outcome = 'solved'), 0)::float8 as solved
          from task_days where ${days}) t
    cross join (select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(unknown_calls), 0)::float8 as unknown,
                       coalesce(sum(cost_usd), 0)::float8 as cost from ledger_days where ${days}) l`.execute(
    db,
  );
  const row = rows[0] ?? { tasks: 0, solved: 0, calls: 0, unknown: 0, cost: 0 };
  return {
    tasks: row.tasks,
    solved: row.solved,
    calls: row.calls,
    costUsd: knownCost(row.cost, row.calls - row.unknown, row.unknown),
    unknownCalls: row.unknown,
  };
}

interface DeletedRow {
  tasks: number;
  solved: number;
  calls: number;
  unknown: number;
  cost: number;
}
