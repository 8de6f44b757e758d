import type { Insertable, Selectable } from 'kysely';
import { json, type Executor } from './client';
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
  neighbours: DecisionRow['neighbours'];
  attemptsLeft: number;
  budgetLeftUsd: number | null;
  costWeight: number;
  decideMs: number;
}

/** Stores a decision; a turn is decided once, so a second write of the same turn changes nothing. */
export async function insertDecision(trx: Executor, d: NewDecision): Promise<void> {
  const row: Insertable<DecisionsTable> = {
    task_id: d.taskId,
    turn: d.turn,
    action: d.action,
    attempt: d.attempt,
    model: d.model,
    probability: d.probability,
    explored: d.explored,
    policy: d.policy,
    policy_version: d.policyVersion,
    reason: d.reason,
    candidates: json(d.candidates),
    neighbours: json(d.neighbours),
    attempts_left: d.attemptsLeft,
    budget_left_usd: d.budgetLeftUsd,
    cost_weight: d.costWeight,
    decide_ms: d.decideMs,
  };
  await trx
    .insertInto('decisions')
    .values(row)
    .onConflict((c) => c.doNothing())
    .execute();
}

/** The decisions of a task, oldest first. */
export function decisionsOf(db: Executor, taskId: string): Promise<DecisionRow[]> {
  return db.selectFrom('decisions').selectAll().where('task_id', '=', taskId).orderBy('turn').execute();
}
