import type { Price, Usage } from '@acrouter/domain/task';
import { sql } from 'kysely';
import type { Executor } from './client';
import { json, text } from './postgres-text';
import type { LedgerTable } from './tables';
import type { Selectable } from 'kysely';

/**
 * One line per call to a provider, written before the request leaves; and the budgets that calls draw on.
 * Every function is one transaction's worth and may be repeated: a line moves only forward, and the budgets
 * move with the line, never without it.
 */
export interface CallKey {
  taskId: string;
  attempt: number;
  call: number;
  /** Default `completion`. Calls are numbered per kind. */
  kind?: CallKind;
}

/**
 * What a call is for: `completion` = the attempt's answer; the others belong to checking it: a judge's grade, its
 * comparison with an earlier answer in both orders, a further sample to compare with.
 */
export type CallKind = 'completion' | 'judge' | 'judge-forward' | 'judge-backward' | `sample-${number}`;

export interface NewCall extends CallKey {
  tenantId: string;
  runId: string | null;
  model: string;
  reserveUsd: number;
  price: Price;
  simulated: boolean;
}

export type LedgerRow = Selectable<LedgerTable>;

/** What whoever makes calls needs to know of one. */
export type CallLine = Pick<
  LedgerRow,
  'task_id' | 'attempt' | 'call' | 'state' | 'reserved_usd' | 'price' | 'error'
>;

/** Adds `held`/`spent` to the budgets of a line's task, run and tenant, where such budgets exist. */
function moveBudgets(
  trx: Executor,
  line: { task_id: string; run_id: string | null; tenant_id: string },
  heldUsd: number,
  spentUsd: number,
) {
  return trx
    .updateTable('budgets')
    .set({
      held_usd: sql<number>`greatest(0, held_usd + ${heldUsd}::numeric)`,
      spent_usd: sql<number>`spent_usd + ${spentUsd}::numeric`,
    })
    .where(scopesOf(line))
    .execute();
}

const scopesOf = (line: { task_id: string; run_id: string | null; tenant_id: string }) =>
  sql<boolean>`(scope, scope_id) in (('task', ${line.task_id}), ('run', ${line.run_id ?? ''}), ('tenant', ${line.tenant_id}))`;

/**
 * Reserves the worst case of one call against all budgets at once, and writes its line as `reserved`.
 * Returns false, with nothing changed, when any budget would be passed. Must run inside a transaction.
 * A line that exists already was reserved before: true.
 */
export async function reserveCall(trx: Executor, call: NewCall): Promise<boolean> {
  const existing = await trx
    .selectFrom('ledger')
    .select('state')
    .where('task_id', '=', call.taskId)
    .where('attempt', '=', call.attempt)
    .where('call', '=', call.call)
    .where('kind', '=', call.kind ?? 'completion')
    .executeTakeFirst();
  if (existing) return true;
  const line = { task_id: call.taskId, run_id: call.runId, tenant_id: call.tenantId };
  // Locked in one order by everyone, so that parallel reservations queue up instead of dead-locking.
  const budgets = await trx
    .selectFrom('budgets')
    .selectAll()
    .where(scopesOf(line))
    .orderBy('scope')
    .orderBy('scope_id')
    .forUpdate()
    .execute();
  const fits = budgets.every((b) => b.spent_usd + b.held_usd + call.reserveUsd <= b.limit_usd + 1e-12);
  if (!fits) return false;
  if (budgets.length > 0) await moveBudgets(trx, line, call.reserveUsd, 0);
  await trx
    .insertInto('ledger')
    .values({
      ...line,
      attempt: call.attempt,
      call: call.call,
      kind: call.kind ?? 'completion',
      model: call.model,
      state: 'reserved',
      reserved_usd: call.reserveUsd,
      held_usd: call.reserveUsd,
      price: json(call.price),
      simulated: call.simulated,
    })
    .execute();
  return true;
}

/** Marks a reserved line as sent. Returns false when it was sent before (a redelivery after a crash). */
export async function markSent(db: Executor, key: CallKey): Promise<boolean> {
  const row = await db
    .updateTable('ledger')
    .set({ state: 'sent', sent_at: sql<Date>`now()` })
    .where(isLine(key))
    .where('state', '=', 'reserved')
    .returning('call')
    .executeTakeFirst();
  return row !== undefined;
}

/** How a call ended whose cost is known. */
export interface SettledCall {
  /** `null`: the cost was told without the tokens. */
  usage: Usage | null;
  costUsd: number;
  latencyMs: number;
}

/**
 * Settles a line with its known cost; the reservation is given back. A line that had been given up as unknown
 * is corrected, since the late answer is the better knowledge. Repeating it changes nothing.
 */
export async function settleCall(trx: Executor, key: CallKey, ended: SettledCall): Promise<void> {
  const before = await lockOpen(trx, key, ['reserved', 'sent', 'unknown']);
  if (!before) return;
  await trx
    .updateTable('ledger')
    .set({
      state: 'settled',
      held_usd: 0,
      cost_usd: ended.costUsd,
      input_tokens: ended.usage?.inputTokens ?? null,
      output_tokens: ended.usage?.outputTokens ?? null,
      cached_input_tokens: ended.usage?.cachedInputTokens ?? null,
      reasoning_tokens: ended.usage?.reasoningTokens ?? null,
      latency_ms: ended.latencyMs,
      finished_at: sql<Date>`now()`,
    })
    .where(isLine(key))
    .execute();
  await moveBudgets(trx, before, -before.held_usd, ended.costUsd);
}

/** How a call ended whose usage nobody reported. */
export interface UnknownCall {
  /** Whether the provider may have billed it: then its reservation stays held. */
  mayHaveBeenBilled: boolean;
  error: string;
  statusCode?: number | null;
  latencyMs?: number | null;
}

/** Closes a line as unknown. Repeating it changes nothing. */
export async function closeUnknown(trx: Executor, key: CallKey, ended: UnknownCall): Promise<void> {
  const before = await lockOpen(trx, key, ['reserved', 'sent']);
  if (!before) return;
  const held = ended.mayHaveBeenBilled ? before.held_usd : 0;
  await trx
    .updateTable('ledger')
    .set({
      state: 'unknown',
      held_usd: held,
      error: text(ended.error).slice(0, 2_000),
      status_code: ended.statusCode ?? null,
      latency_ms: ended.latencyMs ?? null,
      finished_at: sql<Date>`now()`,
    })
    .where(isLine(key))
    .execute();
  await moveBudgets(trx, before, held - before.held_usd, 0);
}

/** Gives back the reservation of a call that was never sent. */
export async function releaseUnsent(trx: Executor, taskId: string): Promise<void> {
  const lines = await trx
    .selectFrom('ledger')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('state', '=', 'reserved')
    .forUpdate()
    .execute();
  for (const line of lines) {
    await trx
      .updateTable('ledger')
      .set({ state: 'released', held_usd: 0, finished_at: sql<Date>`now()` })
      .where(isLine({ taskId, attempt: line.attempt, call: line.call, kind: line.kind as CallKind }))
      .execute();
    await moveBudgets(trx, line, -line.held_usd, 0);
  }
}

/** The calls of one kind in one attempt, oldest first. */
export function callsOf(
  db: Executor,
  taskId: string,
  attempt: number,
  kind: CallKind = 'completion',
): Promise<LedgerRow[]> {
  return db
    .selectFrom('ledger')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('kind', '=', kind)
    .orderBy('call')
    .execute();
}

/** Lines of an attempt's checks whose calls are in flight, or whose process has ended. */
export function sentChecks(db: Executor, taskId: string, attempt: number): Promise<LedgerRow[]> {
  return db
    .selectFrom('ledger')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('kind', '<>', 'completion')
    .where('state', '=', 'sent')
    .execute();
}

/** Money of one attempt: known cost, cost still held, and how many calls nobody reported. */
export interface AttemptMoney {
  costUsd: number;
  heldUsd: number;
  unknownCalls: number;
}

export async function moneyOf(db: Executor, taskId: string, attempt: number): Promise<AttemptMoney> {
  const row = await db
    .selectFrom('ledger')
    .select([
      sql<number>`coalesce(sum(cost_usd), 0)`.as('costUsd'),
      sql<number>`coalesce(sum(held_usd), 0)`.as('heldUsd'),
      sql<number>`count(*) filter (where state = 'unknown')`.as('unknownCalls'),
    ])
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .executeTakeFirstOrThrow();
  return row;
}

/** Smallest amount left in any budget of the task, USD; `null` without budgets. */
export async function budgetLeft(
  db: Executor,
  line: { taskId: string; runId: string | null; tenantId: string },
): Promise<number | null> {
  const row = await db
    .selectFrom('budgets')
    .select(sql<number | null>`min(limit_usd - spent_usd - held_usd)`.as('left'))
    .where(scopesOf({ task_id: line.taskId, run_id: line.runId, tenant_id: line.tenantId }))
    .executeTakeFirst();
  return row?.left ?? null;
}

const isLine = (key: CallKey) =>
  sql<boolean>`task_id = ${key.taskId} and attempt = ${key.attempt} and call = ${key.call} and kind = ${key.kind ?? 'completion'}`;

function lockOpen(
  trx: Executor,
  key: CallKey,
  states: LedgerTable['state'][],
): Promise<LedgerRow | undefined> {
  return trx
    .selectFrom('ledger')
    .selectAll()
    .where(isLine(key))
    .where('state', 'in', states)
    .forUpdate()
    .executeTakeFirst();
}
