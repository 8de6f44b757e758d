import { sql, type RawBuilder } from 'kysely';
import { rowSet } from './row-set';

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

/** Statement that stores the verifier's feedback, once per attempt. Repeating it changes nothing. */
export function feedbackStep(feedback: readonly VerifierFeedback[]): RawBuilder<unknown> {
  const rows = feedback.map(({ score, passed, conclusive, ...f }) => ({
    ...f,
    id: `${f.taskId}-${f.attempt}-verifier`,
    value: { score, passed, conclusive },
  }));
  return sql`
    insert into feedback (id, tenant_id, task_id, attempt, source, metric, value)
    select id, "tenantId", "taskId", attempt, 'verifier', 'score', value
    from ${rowSet(rows, 'id text, "tenantId" text, "taskId" text, attempt int, value jsonb')}
    on conflict do nothing`;
}
