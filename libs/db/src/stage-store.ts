import { sql, type RawBuilder } from 'kysely';
import type { Executor } from './client';
import { ONLY_OF_FIRST_STEP } from './outbox-store';
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

/**
 * Statement that stores timings; the first of a (task, turn, stage) counts, a repetition changes nothing.
 * @param only as `enqueue`'s, where it is a step of one.
 */
export function stagesStep(
  stages: readonly StageTiming[],
  only: 'all' | 'first' = 'all',
): RawBuilder<unknown> {
  const rows = stages.map(({ taskId: task_id, ...stage }) => ({ ...stage, task_id }));
  return sql`
    insert into stages (task_id, turn, stage, wait_ms, work_ms)
    select r.task_id, r.turn, r.stage, r."waitMs", r."workMs"
    from ${rowSet(rows, 'task_id text, turn int, stage text, "waitMs" float8, "workMs" float8')}
    ${only === 'first' ? ONLY_OF_FIRST_STEP : sql``}
    on conflict do nothing`;
}

/** Stores one timing. */
export async function recordStage(trx: Executor, stage: StageTiming): Promise<void> {
  await stagesStep([stage]).execute(trx);
}
