import { scopesOf, type BudgetRow, type Payer } from '@acrouter/db/budget-moves';

/** Rounding of sums of money with 12 decimals, USD. */
const EPSILON_USD = 1e-12;

/**
 * Locked budgets while the tasks of one group are decided one after the other: each sees what those before it
 * reserved, as if they had been alone.
 */
export class BudgetBook {
  private readonly budgets: ReadonlyMap<string, { limitUsd: number; takenUsd: number }>;

  constructor(rows: readonly BudgetRow[]) {
    this.budgets = new Map(
      rows.map((b) => [
        `${b.scope}/${b.scope_id}`,
        { limitUsd: b.limit_usd, takenUsd: b.spent_usd + b.held_usd },
      ]),
    );
  }

  /** Smallest amount left in any budget of the payer, USD; `null` without budgets. */
  left(payer: Payer): number | null {
    const left = this.of(payer).map((b) => b.limitUsd - b.takenUsd);
    return left.length > 0 ? Math.min(...left) : null;
  }

  /** Takes `usd` from all budgets of the payer; false, with nothing changed, when any of them has less. */
  reserve(payer: Payer, usd: number): boolean {
    const budgets = this.of(payer);
    if (budgets.some((b) => b.takenUsd + usd > b.limitUsd + EPSILON_USD)) return false;
    for (const b of budgets) b.takenUsd += usd;
    return true;
  }

  private of(payer: Payer) {
    return scopesOf(payer).flatMap(({ scope, id }) => this.budgets.get(`${scope}/${id}`) ?? []);
  }
}
