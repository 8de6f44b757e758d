import { sql } from 'kysely';
import { IS_QUEUED } from './admission-store';
import type { Executor } from './client';

/** Tasks of all tenants that are accepted and not settled. Reads two partial indexes, not the tables behind them. */
export async function countUnsettled(db: Executor): Promise<number> {
  const { rows } = await sql<{ unsettled: number }>`
    select (select count(*) from tasks t where ${IS_QUEUED})
      + (select count(*) from tasks t where t.settled_at is null and t.admitted_at is not null) as unsettled`.execute(
    db,
  );
  return rows[0]?.unsettled ?? 0;
}

/** What came of a run's tasks, and when the last one settled, Unix ms; `null` before the first. */
export async function settledOf(
  db: Executor,
  runId: string,
): Promise<{ settled: number; solved: number; lastAtMs: number | null }> {
  return db
    .selectFrom('tasks')
    .select([
      sql<number>`count(settled_at)`.as('settled'),
      sql<number>`count(*) filter (where solved)`.as('solved'),
      sql<number | null>`extract(epoch from max(settled_at))::float8 * 1000`.as('lastAtMs'),
    ])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow();
}

/** How long the messages of one stage waited in their queue and were worked on, ms. */
export interface StageTimes {
  stage: string;
  waitP50: number;
  waitP99: number;
  workP50: number;
  workP99: number;
}

/** Quantiles of every stage over the tasks of some runs, in the order a task meets them. */
export async function stageTimes(db: Executor, runIds: readonly string[]): Promise<StageTimes[]> {
  const { rows } = await sql<StageTimes>`
    select s.stage,
      percentile_cont(0.5) within group (order by s.wait_ms) as "waitP50",
      percentile_cont(0.99) within group (order by s.wait_ms) as "waitP99",
      percentile_cont(0.5) within group (order by s.work_ms) as "workP50",
      percentile_cont(0.99) within group (order by s.work_ms) as "workP99"
    from stage_times s join tasks t on t.id = s.task_id
    where t.run_id = any(${[...runIds]})
    group by s.stage
    order by array_position(array['recall', 'decide', 'execute', 'verify', 'commit'], s.stage)`.execute(db);
  return rows;
}
