import { sql } from 'kysely';
import type { Executor } from './client';
import { rowSet } from './row-set';

/** How long one stage of one turn waited in its queue and worked, ms. */
export interface StageTiming {
  taskId: string;
  /** Turn or attempt; 0 for stages that come once per task (`recall`). */
  turn: number;
  stage: 'recall' | 'decide' | 'execute' | 'verify' | 'commit';
  waitMs: number;
  workMs: number;
}

/** Stores timings; the first of a (task, turn, stage) counts, a repetition changes nothing. */
export async function recordStages(trx: Executor, stages: readonly StageTiming[]): Promise<void> {
  if (stages.length === 0) return;
  await sql`
    insert into stages (task_id, turn, stage, wait_ms, work_ms)
    select "taskId", turn, stage, "waitMs", "workMs"
    from ${rowSet(stages, '"taskId" text, turn int, stage text, "waitMs" float8, "workMs" float8')}
    on conflict do nothing`.execute(trx);
}

/** As `recordStages`, for one. */
export const recordStage = (trx: Executor, stage: StageTiming): Promise<void> => recordStages(trx, [stage]);
