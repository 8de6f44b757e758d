import { json, type Executor } from './client';

/** The verifier's word on an attempt. What users say is in user-feedback-store.ts. */
export interface VerifierFeedback {
  tenantId: string;
  taskId: string;
  attempt: number;
  /** In [0, 1]. */
  score: number;
  passed: boolean;
  /** False when nothing could check the answer; then score and `passed` teach nothing. */
  conclusive: boolean;
}

/** Stores the verifier's feedback, once per attempt. Repeating it changes nothing. */
export async function insertVerifierFeedback(trx: Executor, f: VerifierFeedback): Promise<void> {
  await trx
    .insertInto('feedback')
    .values({
      id: `${f.taskId}-${f.attempt}-verifier`,
      tenant_id: f.tenantId,
      task_id: f.taskId,
      attempt: f.attempt,
      source: 'verifier',
      metric: 'score',
      value: json({ score: f.score, passed: f.passed, conclusive: f.conclusive }),
    })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Whether any call of an attempt went to the simulated pool, by the ledger, which knows what was called then. */
export async function wasSimulated(db: Executor, taskId: string, attempt: number): Promise<boolean> {
  const row = await db
    .selectFrom('ledger')
    .select('simulated')
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('simulated', '=', true)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
