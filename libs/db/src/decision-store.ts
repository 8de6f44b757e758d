import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Executor } from './client';
import { rowSet } from './row-set';
import type { Timing } from './timing';
import type { DecisionsTable } from './tables';

export type DecisionRow = Selectable<DecisionsTable>;

/** One choice with all that explains it (must 12 of docs/architecture.md). */
export interface NewDecision {
  taskId: string;
  turn: number;
  action: DecisionRow['action'];
  attempt: number | null;
  model: string | null;
  /** Probability with which `model` was drawn; `null` when nothing was. */
  probability: number | null;
  explored: boolean;
  policy: string;
  policyVersion: string;
  reason: string;
  candidates: DecisionRow['candidates'];
  attemptsLeft: number;
  budgetLeftUsd: number | null;
  costWeight: number;
  /** Of the policy alone, ms. */
  decideMs: number;
  /** Of the message that led to it; on the last of its decisions. */
  timing?: Timing;
}

/** Statement that stores decisions; a turn is decided once, so a second write of the same turn changes nothing. */
export function decisionsStep(decisions: readonly NewDecision[]): RawBuilder<unknown> {
  const rows = decisions.map(({ timing, ...d }) => ({ ...d, ...timing }));
  return sql`
    insert into decisions (task_id, turn, action, attempt, model, probability, explored, policy, policy_version,
      reason, candidates, attempts_left, budget_left_usd, cost_weight, decide_ms, wait_ms, work_ms)
    select "taskId", turn, action, attempt, model, probability, explored, policy, "policyVersion",
      reason, candidates, "attemptsLeft", "budgetLeftUsd", "costWeight", "decideMs", "waitMs", "workMs"
    from ${rowSet(rows, COLUMNS)}
    on conflict do nothing`;
}

const COLUMNS = `"taskId" text, turn int, action text, attempt int, model text, probability float8, explored boolean,
  policy text, "policyVersion" text, reason text, candidates jsonb, "attemptsLeft" int,
  "budgetLeftUsd" numeric, "costWeight" float8, "decideMs" float8, "waitMs" float8, "workMs" float8`;

/** Stores decisions. */
export async function insertDecisions(trx: Executor, decisions: readonly NewDecision[]): Promise<void> {
  await decisionsStep(decisions).execute(trx);
}

/** The decisions of a task, oldest first. */
export function decisionsOf(db: Executor, taskId: string): Promise<DecisionRow[]> {
  return db.selectFrom('decisions').selectAll().where('task_id', '=', taskId).orderBy('turn').execute();
}
