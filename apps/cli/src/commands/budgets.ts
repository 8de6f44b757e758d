import { listTenantBudgets, removeTenantBudget, setTenantBudget } from '@acrouter/db/budget-store';
import { AcrError } from '@acrouter/domain/errors';
import { InvalidArgumentError, type Command } from 'commander';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { note, paint, print, printJson } from '../output';
import { left, money, plain, right } from '../text-layout';
import { noteUnknownTenant, tenantName } from './keys';

type BudgetOptions = DatabaseChoice & { json?: boolean; restart?: boolean };

/** `acr budgets` */
export function registerBudgets(program: Command): void {
  const budgets = program
    .command('budgets')
    .summary('what each tenant may spend: set, list, remove')
    .description(
      'Limits in USD per tenant. The worst case of every call is reserved before it leaves, so parallel calls cannot overrun.',
    );
  const command = (name: string, description: string) =>
    withDatabaseOptions(budgets.command(name).description(description)).option('--json', 'print JSON');
  command('list', 'limit, spent and reserved, by tenant').action(list);
  command('set', 'limit a tenant from now on, or change its limit')
    .argument('<tenant>', 'whose', tenantName)
    .argument('<usd>', 'most that it may spend', usd)
    .option('--restart', 'count what is spent from zero again')
    .action(set);
  command('remove', 'lift a tenant’s limit').argument('<tenant>', 'whose').action(remove);
}

function usd(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1e7) return value;
  throw new InvalidArgumentError('It must be a number of USD, 0 to 10,000,000.');
}

async function list(options: BudgetOptions): Promise<void> {
  const budgets = await withDatabase(options, listTenantBudgets);
  if (options.json) return budgets.forEach((budget) => printJson(budget));
  if (budgets.length === 0) return note('No tenant has a limit. Set one with "acr budgets set TENANT USD".');
  const row = (cells: string[]) => cells.map((cell) => right(cell, 14)).join('');
  print(paint.dim(` ${left('tenant', 24)}${row(['limit', 'spent', 'reserved'])}`));
  for (const b of budgets)
    print(` ${left(plain(b.tenantId), 24)}${row([money(b.limitUsd), money(b.spentUsd), money(b.heldUsd)])}`);
}

async function set(tenant: string, limitUsd: number, options: BudgetOptions): Promise<void> {
  const budget = await withDatabase(options, async (db) => {
    await noteUnknownTenant(db, tenant);
    return db
      .transaction()
      .execute((trx) => setTenantBudget(trx, tenant, limitUsd, Boolean(options.restart)));
  });
  if (options.json) printJson(budget);
  note(`Tenant ${tenant} may spend ${money(limitUsd)}; ${money(budget.spentUsd)} of it is spent.`);
}

async function remove(tenant: string, options: BudgetOptions): Promise<void> {
  const removed = await withDatabase(options, (db) => removeTenantBudget(db, tenant));
  if (!removed)
    throw new AcrError(
      'ACR_NOT_FOUND',
      `Tenant ${plain(tenant)} has no limit. "acr budgets list" shows them.`,
    );
  if (options.json) printJson({ tenantId: tenant, removed });
  note(`Tenant ${plain(tenant)} has no limit any more.`);
}
