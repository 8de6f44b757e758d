import { sql } from 'kysely';
import type { Executor } from './client';

/** What a tenant may spend, has spent, and has reserved for calls under way, USD. */
export interface TenantBudget {
  tenantId: string;
  limitUsd: number;
  spentUsd: number;
  heldUsd: number;
}

/**
 * Sets a tenant's limit. A new budget counts what is spent from now on; `restart` does so for one that exists.
 * Calls under way keep their reservations. Must run inside a transaction.
 */
export async function setTenantBudget(
  trx: Executor,
  tenantId: string,
  limitUsd: number,
  restart: boolean,
): Promise<TenantBudget> {
  // A reservation reads the budgets and then writes its ledger line; in between, no budget may appear, or the
  // line would later give back what the budget never held. Reservations wait here for some milliseconds.
  await sql`lock table budgets in exclusive mode`.execute(trx);
  const { rows } = await sql<TenantBudget>`
    insert into budgets as b (scope, scope_id, limit_usd, held_usd)
    values ('tenant', ${tenantId}, ${limitUsd},
            (select coalesce(sum(held_usd), 0) from ledger where tenant_id = ${tenantId})
            + (select coalesce(sum(held_usd), 0) from ledger_days where tenant_id = ${tenantId}))
    on conflict (scope, scope_id) do update set
      limit_usd = excluded.limit_usd, spent_usd = case when ${restart} then 0 else b.spent_usd end
    returning scope_id as "tenantId", limit_usd as "limitUsd", spent_usd as "spentUsd", held_usd as "heldUsd"`.execute(
    trx,
  );
  if (!rows[0]) throw new Error('the budget was not stored');
  return rows[0];
}

/** Removes a tenant's limit. Returns whether it had one. */
export async function removeTenantBudget(db: Executor, tenantId: string): Promise<boolean> {
  const row = await db
    .deleteFrom('budgets')
    .where('scope', '=', 'tenant')
    .where('scope_id', '=', tenantId)
    .returning('scope_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Budgets of all tenants, by name. */
export function listTenantBudgets(db: Executor): Promise<TenantBudget[]> {
  return db
    .selectFrom('budgets')
    .select(['scope_id as tenantId', 'limit_usd as limitUsd', 'spent_usd as spentUsd', 'held_usd as heldUsd'])
    .where('scope', '=', 'tenant')
    .orderBy('scope_id')
    .execute();
}
