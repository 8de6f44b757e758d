import type { BudgetRow } from '@acrouter/db/budget-moves';
import { describe, expect, test } from '@jest/globals';
import { BudgetBook } from './budget-book';

const row = (scope: BudgetRow['scope'], id: string, limit: number, taken = 0): BudgetRow => ({
  scope,
  scope_id: id,
  limit_usd: limit,
  held_usd: taken / 2,
  spent_usd: taken / 2,
});
const payer = (taskId: string, runId: string | null = 'r') => ({ taskId, runId, tenantId: 't' });

describe('budgets while a group is decided', () => {
  test('every reservation leaves less for the next, whichever budget they share', () => {
    const book = new BudgetBook([row('run', 'r', 1, 0.4), row('tenant', 't', 10)]);
    expect(book.left(payer('a'))).toBeCloseTo(0.6);
    expect(book.reserve(payer('a'), 0.5)).toBe(true);
    expect(book.left(payer('b'))).toBeCloseTo(0.1);
    expect(book.reserve(payer('b'), 0.5)).toBe(false);
    expect(book.reserve(payer('c', null), 0.5)).toBe(true);
    expect(book.left(payer('d', null))).toBeCloseTo(9);
  });

  test('a reservation that does not fit takes from no budget', () => {
    const book = new BudgetBook([row('task', 'a', 0.1), row('tenant', 't', 10)]);
    expect(book.reserve(payer('a'), 0.2)).toBe(false);
    expect(book.left(payer('b'))).toBe(10);
  });

  test('without budgets nothing is limited', () => {
    const book = new BudgetBook([]);
    expect(book.left(payer('a'))).toBeNull();
    expect(book.reserve(payer('a'), 1_000)).toBe(true);
  });

  test('what fits to the last cent fits', () => {
    const book = new BudgetBook([row('task', 'a', 0.3)]);
    expect([0.1, 0.1, 0.1].map((usd) => book.reserve(payer('a'), usd))).toEqual([true, true, true]);
    expect(book.reserve(payer('a'), 0.01)).toBe(false);
  });
});
