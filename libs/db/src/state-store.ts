import type { LoopState } from '@acrouter/domain/loop';
import { sql } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import { rowSet } from './row-set';
import type { TaskRow } from './task-store';

/**
 * The loop's states of many tasks at once. Only the orchestrator writes them, with the rows locked (must 3).
 */

const COLUMNS = [
  'id',
  'tenant_id',
  'run_id',
  'external_id',
  'source',
  'cost_weight',
  'traceparent',
  'expedited',
  'state',
  'state_version',
  'created_at',
  'settled_at',
] as const;

/** A task as the orchestrator needs it, locked until the transaction ends. */
export type LockedTask = Pick<TaskRow, (typeof COLUMNS)[number]> & { prompt_bytes: number };

/** Locks tasks, all callers in the same order, so that groups that share some queue up instead of dead-locking. */
export async function lockTasks(trx: Executor, ids: readonly string[]): Promise<Map<string, LockedTask>> {
  const rows = await trx
    .selectFrom('tasks')
    .modifyFront(plannedOnce)
    .select(COLUMNS)
    .select(sql<number>`octet_length(prompt)`.as('prompt_bytes'))
    .where(sql<boolean>`id = any(${[...ids]})`)
    .orderBy('id')
    .forUpdate()
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** A task's next state; `version` is that of the state it follows. */
export interface NextState {
  id: string;
  version: number;
  state: LoopState;
}

/** Stores next states of locked tasks. */
export async function saveStates(trx: Executor, states: readonly NextState[]): Promise<void> {
  const result = await sql`
    update tasks t set state = r.state, state_version = r.version + 1, phase = r.phase, outcome = r.outcome,
      solved = r.solved, score = r.score, final_attempt = r.final_attempt, progressed_at = now(), sweeps = 0,
      settled_at = case when r.phase = 'settled' then now() else t.settled_at end
    from ${rowSet(states.map(toRow), 'id text, version int, state jsonb, phase text, outcome text, solved boolean, score float8, final_attempt int')}
    where t.id = r.id and t.state_version = r.version`.execute(trx);
  if (Number(result.numAffectedRows) !== states.length)
    throw new Error(`Of ${states.length} tasks some changed while their rows were locked`);
}

function toRow({ id, version, state }: NextState) {
  const final = state.attempts.find((a) => a.attempt === state.finalAttempt)?.result;
  return {
    id,
    version,
    state,
    phase: state.phase,
    outcome: state.outcome,
    solved: state.phase === 'settled' ? state.outcome === 'solved' : null,
    score: final?.kind === 'judged' ? final.score : null,
    final_attempt: state.finalAttempt,
  };
}
