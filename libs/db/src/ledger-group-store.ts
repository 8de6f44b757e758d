import type { Usage } from '@acrouter/domain/task';
import { sql } from 'kysely';
import { moveBudgets, type BudgetMove } from './budget-moves';
import type { Executor } from './client';
import type { CallKey, CallLine, NewCall } from './ledger-store';
import { plannedOnce } from './planned-once';
import { rowSet } from './row-set';

/**
 * Lines of the ledger, many at once: what ledger-store.ts does for one call, in one statement for the calls of
 * concurrent jobs. Calls that answer attempts only (kind `completion`).
 */

/**
 * Writes the lines of calls whose worst case the locked budgets can bear, and holds it there. Lines that exist
 * already were reserved before and change nothing.
 */
export async function reserveCalls(trx: Executor, calls: readonly NewCall[]): Promise<void> {
  if (calls.length === 0) return;
  const { rows } = await sql<{ task_id: string; attempt: number; call: number }>`
    insert into ledger (task_id, attempt, call, tenant_id, run_id, model, state, reserved_usd, held_usd, price, simulated)
    select "taskId", attempt, call, "tenantId", "runId", model, 'reserved', "reserveUsd", "reserveUsd", price, simulated
    from ${rowSet(calls, '"taskId" text, attempt int, call int, "tenantId" text, "runId" text, model text, "reserveUsd" numeric, price jsonb, simulated boolean')}
    on conflict do nothing
    returning task_id, attempt, call`.execute(trx);
  const written = new Set(rows.map((r) => nameOf({ taskId: r.task_id, attempt: r.attempt, call: r.call })));
  await moveBudgets(
    trx,
    calls.filter((c) => written.has(nameOf(c))).map((c) => ({ ...c, heldUsd: c.reserveUsd, spentUsd: 0 })),
  );
}

/** Gives back the reservations of tasks' calls that were never sent. */
export async function releaseUnsent(trx: Executor, taskIds: readonly string[]): Promise<void> {
  if (taskIds.length === 0) return;
  const { rows } = await sql<LineMoney>`
    ${plannedOnce} with unsent as (
      select task_id, attempt, call, kind, held_usd from ledger
      where task_id = any(${[...taskIds]}) and state = 'reserved' order by 1, 2, 3, 4 for update
    )
    update ledger l set state = 'released', held_usd = 0, finished_at = now()
    from unsent u where l.task_id = u.task_id and l.attempt = u.attempt and l.call = u.call and l.kind = u.kind
    returning l.task_id as "taskId", l.run_id as "runId", l.tenant_id as "tenantId", u.held_usd as "heldUsd"`.execute(
    trx,
  );
  await moveBudgets(
    trx,
    rows.map((line) => ({ ...line, heldUsd: -line.heldUsd, spentUsd: 0 })),
  );
}

type LineMoney = Omit<BudgetMove, 'spentUsd'>;

/** The calls of attempts, each attempt's oldest first. */
export function callsOfAll(
  db: Executor,
  attempts: readonly { taskId: string; attempt: number }[],
): Promise<CallLine[]> {
  return db
    .selectFrom('ledger')
    .select(['task_id', 'attempt', 'call', 'state', 'reserved_usd', 'price', 'error'])
    .where(
      sql<boolean>`(task_id, attempt) in (select "taskId", attempt from ${rowSet(attempts, '"taskId" text, attempt int')})`,
    )
    .where('kind', '=', 'completion')
    .orderBy('call')
    .execute();
}

/** Marks reserved lines as sent. Says of each whether this did it: `false` = sent or released before. */
export async function markCallsSent(db: Executor, keys: readonly CallKey[]): Promise<boolean[]> {
  const { rows } = await sql<{ task_id: string; attempt: number; call: number }>`
    update ledger l set state = 'sent', sent_at = now()
    from ${rowSet(keys.map(ofKind), '"taskId" text, attempt int, call int, kind text')}
    where l.task_id = r."taskId" and l.attempt = r.attempt and l.call = r.call and l.kind = r.kind
      and l.state = 'reserved'
    returning l.task_id, l.attempt, l.call`.execute(db);
  const sent = new Set(rows.map((r) => nameOf({ taskId: r.task_id, attempt: r.attempt, call: r.call })));
  return keys.map((key) => sent.has(nameOf(key)));
}

/** How a call ended whose cost is known. */
export interface SettledLine extends CallKey {
  /** `null`: the cost was told without the tokens. */
  usage: Usage | null;
  costUsd: number;
  latencyMs: number;
}

/**
 * Settles lines with their known costs. A line that had been given up as unknown is corrected, since the late
 * answer is the better knowledge. Repeating it changes nothing. Returns what the budgets must be moved by, which
 * the caller does last in the same transaction (`moveBudgets`): all others want the same rows.
 */
export async function settleCalls(trx: Executor, lines: readonly SettledLine[]): Promise<BudgetMove[]> {
  if (lines.length === 0) return [];
  const given = lines.map(({ usage, attempt, call, ...line }) => ({
    ...line,
    ...usage,
    ofAttempt: attempt,
    ofCall: call,
    ofKind: 'completion',
  }));
  const { rows } = await sql<BudgetMove>`
    with open as (
      select l.task_id, l.attempt, l.call, l.held_usd, r.* from ledger l
      join ${rowSet(given, SETTLED_COLUMNS)}
        on l.task_id = r."taskId" and l.attempt = r."ofAttempt" and l.call = r."ofCall" and l.kind = r."ofKind"
      where l.state in ('reserved', 'sent', 'unknown')
      order by 1, 2, 3 for update of l
    )
    update ledger l set state = 'settled', held_usd = 0, cost_usd = o."costUsd", input_tokens = o."inputTokens",
      output_tokens = o."outputTokens", cached_input_tokens = o."cachedInputTokens",
      reasoning_tokens = o."reasoningTokens", latency_ms = o."latencyMs", finished_at = now()
    from open o
    where l.task_id = o.task_id and l.attempt = o.attempt and l.call = o.call and l.kind = o."ofKind"
    returning l.task_id as "taskId", l.run_id as "runId", l.tenant_id as "tenantId", -o.held_usd as "heldUsd",
              l.cost_usd as "spentUsd"`.execute(trx);
  return rows;
}

const SETTLED_COLUMNS = `"taskId" text, "ofAttempt" int, "ofCall" int, "ofKind" text, "costUsd" numeric, "inputTokens" int,
  "outputTokens" int, "cachedInputTokens" int, "reasoningTokens" int, "latencyMs" float8`;

const ofKind = <T extends object>(key: T) => ({ ...key, kind: 'completion' });

const nameOf = (key: CallKey) => `${key.taskId}/${key.attempt}/${key.call}`;
