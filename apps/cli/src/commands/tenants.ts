import { listTenants, setTenantWeight } from '@acrouter/db/tenant-store';
import { InvalidArgumentError, type Command } from 'commander';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { note, paint, print, printJson } from '../output';
import { left, plain, right } from '../text-layout';
import { noteUnknownTenant, tenantName } from './keys';

type TenantOptions = DatabaseChoice & { json?: boolean };

/** `acr tenants` */
export function registerTenants(program: Command): void {
  const tenants = program
    .command('tenants')
    .summary('who shares the stack: list, set-weight')
    .description(
      'While several tenants have tasks queued, each gets places in the loop by its weight (default 1).',
    );
  const command = (name: string, description: string) =>
    withDatabaseOptions(tenants.command(name).description(description)).option('--json', 'print JSON');
  command('list', 'weight, queued tasks, and tasks in the loop, by tenant').action(list);
  command('set-weight', 'change a tenant’s share')
    .argument('<tenant>', 'whose', tenantName)
    .argument('<weight>', 'its share beside the others’; 2 = twice that of a tenant of weight 1', weight)
    .action(setWeight);
}

function weight(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.001 && value <= 1_000) return value;
  throw new InvalidArgumentError('It must be a number, 0.001 to 1000.');
}

async function list(options: TenantOptions): Promise<void> {
  const tenants = await withDatabase(options, listTenants);
  if (options.json) return tenants.forEach((tenant) => printJson(tenant));
  if (tenants.length === 0) return note('No tenant yet. One comes into being with its first key or task.');
  const row = (cells: string[]) => cells.map((cell) => right(cell, 11)).join('');
  print(paint.dim(` ${left('tenant', 24)}${row(['weight', 'queued', 'in loop', 'admitted'])}`));
  for (const t of tenants)
    print(` ${left(plain(t.tenantId), 24)}${row([t.weight, t.queued, t.inLoop, t.admitted].map(String))}`);
}

async function setWeight(tenant: string, value: number, options: TenantOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    await noteUnknownTenant(db, tenant);
    await setTenantWeight(db, tenant, value);
  });
  if (options.json) printJson({ tenantId: tenant, weight: value });
  note(`Tenant ${tenant} has the weight ${value}.`);
}
