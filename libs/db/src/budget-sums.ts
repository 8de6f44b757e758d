import { sql } from 'kysely';
import type { Executor } from './client';

/** All budgets of one scope together, USD. */
export interface BudgetSum {
  scope: 'task' | 'run' | 'tenant';
  limitUsd: number;
  spentUsd: number;
  /** Reserved for calls under way, or held for calls whose cost never became known. */
  heldUsd: number;
}

/** One row per scope, zeros where there is no such budget. For gauges: reads the whole table. */
export async function sumBudgets(db: Executor): Promise<BudgetSum[]> {
  const { rows } = await sql<BudgetSum>`
    select s.scope, coalesce(sum(b.limit_usd), 0)::float8 as "limitUsd",
           coalesce(sum(b.spent_usd), 0)::float8 as "spentUsd", coalesce(sum(b.held_usd), 0)::float8 as "heldUsd"
    from (values ('task'), ('run'), ('tenant')) s(scope) left join budgets b on b.scope = s.scope
    group by s.scope`.execute(db);
  return rows;
}
