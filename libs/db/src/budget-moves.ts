import { sql, type Selectable } from 'kysely';
import type { Executor } from './client';
import { rowSet } from './row-set';
import type { BudgetsTable } from './tables';

/** Whose budgets a line of the ledger draws on: its task's, its run's and its tenant's, where there are such. */
export interface Payer {
  taskId: string;
  runId: string | null;
  tenantId: string;
}

export type BudgetRow = Pick<
  Selectable<BudgetsTable>,
  'scope' | 'scope_id' | 'limit_usd' | 'held_usd' | 'spent_usd'
>;

interface Scope {
  scope: BudgetRow['scope'];
  id: string;
}

/** The scopes of one payer, in the order in which everybody locks them. */
export const scopesOf = (payer: Payer): Scope[] => [
  ...(payer.runId === null ? [] : [{ scope: 'run' as const, id: payer.runId }]),
  { scope: 'task', id: payer.taskId },
  { scope: 'tenant', id: payer.tenantId },
];

/** Locks the budgets of all payers, in one order for everybody, and returns those that exist. */
export async function lockBudgets(trx: Executor, payers: readonly Payer[]): Promise<BudgetRow[]> {
  if (payers.length === 0) return [];
  const { rows } = await sql<BudgetRow>`
    select b.scope, b.scope_id, b.limit_usd, b.held_usd, b.spent_usd from budgets b
    where (b.scope, b.scope_id) in (select scope, id from ${rowSet(distinct(payers), 'scope text, id text')})
    order by b.scope, b.scope_id for update`.execute(trx);
  return rows;
}

/** A change of what a payer's budgets hold and have spent, USD. */
export interface BudgetMove extends Payer {
  heldUsd: number;
  spentUsd: number;
}

/** Carries out moves, summed up per budget; budgets that do not exist are none. */
export async function moveBudgets(trx: Executor, moves: readonly BudgetMove[]): Promise<void> {
  if (moves.length === 0) return;
  await sql`
    with moved as (
      select b.scope, b.scope_id, r.held, r.spent from budgets b
      join ${rowSet(sumUp(moves), 'scope text, id text, held numeric, spent numeric')}
        on b.scope = r.scope and b.scope_id = r.id
      order by b.scope, b.scope_id for update of b
    )
    update budgets b set held_usd = greatest(0, b.held_usd + m.held), spent_usd = b.spent_usd + m.spent
    from moved m where b.scope = m.scope and b.scope_id = m.scope_id`.execute(trx);
}

function distinct(payers: readonly Payer[]): Scope[] {
  return [...new Map(payers.flatMap(scopesOf).map((s) => [keyOf(s), s])).values()];
}

function sumUp(moves: readonly BudgetMove[]) {
  const sums = new Map<string, Scope & { held: number; spent: number }>();
  for (const move of moves)
    for (const scope of scopesOf(move)) {
      const sum = sums.get(keyOf(scope)) ?? { ...scope, held: 0, spent: 0 };
      sum.held += rounded(move.heldUsd);
      sum.spent += rounded(move.spentUsd);
      sums.set(keyOf(scope), sum);
    }
  return [...sums.values()];
}

/** As the ledger's columns round each line: what a line holds and what its budgets hold for it must be equal. */
const rounded = (usd: number): number => Number(usd.toFixed(12));

const keyOf = (s: Scope) => `${s.scope}/${s.id}`;
