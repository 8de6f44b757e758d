import type { RunView } from '@acrouter/contracts/http';
import { sql } from 'kysely';
import type { Executor } from './client';
import { runIsFinished } from './run-store';

interface RunRow {
  id: string;
  name: string | null;
  finished: boolean;
  cancelled: boolean;
  task_count: number;
  expected_tasks: number | null;
  queued: number;
  settled: number;
  solved: number;
  outcomes: Record<string, number>;
  average_score: number | null;
  attempts: number;
  known_calls: number;
  unknown_calls: number;
  calls: number;
  cost_usd: number;
  simulated: boolean;
  max_cost_usd: number | null;
  spent_usd: number | null;
  held_usd: number | null;
  metadata: Record<string, unknown>;
  created_at: Date;
  last_settled_at: Date | null;
}

/** Progress and cost of a run, as of one moment; `undefined` when this tenant has no such run. */
export async function readRun(db: Executor, tenantId: string, runId: string): Promise<RunView | undefined> {
  const { rows } = await sql<RunRow>`
    select r.id, r.name, r.cancelled_at is not null as cancelled, r.task_count, r.expected_tasks, r.max_cost_usd,
           r.metadata, r.created_at, ${runIsFinished} as finished, p.*, l.*, b.spent_usd, b.held_usd,
           (select count(*) from attempts a join tasks t on t.id = a.task_id where t.run_id = r.id) as attempts,
           (select coalesce(jsonb_object_agg(outcome, n), '{}')
              from (select outcome, count(*) as n from tasks where run_id = r.id and outcome is not null
                    group by outcome) o) as outcomes
    from runs r
    left join budgets b on b.scope = 'run' and b.scope_id = r.id
    cross join lateral (
      select count(*) filter (where phase = 'context') as queued,
             count(*) filter (where settled_at is not null) as settled,
             count(*) filter (where solved) as solved,
             avg(score) filter (where settled_at is not null) as average_score,
             max(settled_at) as last_settled_at
      from tasks where run_id = r.id) p
    cross join lateral (
      select count(*) filter (where state = 'settled') as known_calls,
             count(*) filter (where state = 'unknown') as unknown_calls,
             count(*) filter (where state in ('sent', 'settled', 'unknown')) as calls,
             coalesce(sum(cost_usd), 0) as cost_usd, coalesce(bool_or(simulated), false) as simulated
      from ledger where run_id = r.id) l
    where r.id = ${runId} and r.tenant_id = ${tenantId}`.execute(db);
  return rows[0] && toView(rows[0]);
}

function toView(r: RunRow): RunView {
  return {
    id: r.id,
    name: r.name,
    status: r.finished ? 'finished' : 'running',
    cancelled: r.cancelled,
    taskCount: r.task_count,
    expectedTasks: r.expected_tasks,
    queued: r.queued,
    running: r.task_count - r.queued - r.settled,
    settled: r.settled,
    solved: r.solved,
    outcomes: r.outcomes,
    averageScore: r.average_score,
    attempts: r.attempts,
    costUsd: knownCost(r.cost_usd, r.known_calls, r.unknown_calls),
    unknownCalls: r.unknown_calls,
    calls: r.calls,
    maxCostUsd: r.max_cost_usd,
    budget: r.spent_usd === null ? null : { spentUsd: r.spent_usd, heldUsd: r.held_usd ?? 0 },
    simulated: r.simulated,
    metadata: r.metadata,
    createdAt: r.created_at.toISOString(),
    finishedAt: r.finished ? (r.last_settled_at ?? r.created_at).toISOString() : null,
  };
}

/** A sum of known costs for people: `null` when calls were made and none of them is known (must 5). */
export function knownCost(sumUsd: number, knownCalls: number, unknownCalls: number): number | null {
  return knownCalls === 0 && unknownCalls > 0 ? null : sumUsd;
}
