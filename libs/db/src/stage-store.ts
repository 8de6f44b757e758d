import type { Executor } from './client';

/** How long one stage of one turn waited in its queue and worked, ms. */
export interface StageTiming {
  taskId: string;
  /** Turn or attempt; 0 for stages that come once per task (`recall`). */
  turn: number;
  stage: 'recall' | 'decide' | 'execute' | 'verify' | 'commit';
  waitMs: number;
  workMs: number;
}

/** Stores a timing; the first of a (task, turn, stage) counts, a repetition changes nothing. */
export async function recordStage(trx: Executor, s: StageTiming): Promise<void> {
  await trx
    .insertInto('stages')
    .values({
      task_id: s.taskId,
      turn: s.turn,
      stage: s.stage,
      wait_ms: s.waitMs,
      work_ms: s.workMs,
    })
    .onConflict((c) => c.doNothing())
    .execute();
}
