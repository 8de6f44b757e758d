import {
  createKey,
  KEY_SCOPES,
  listKeys,
  revokeKey,
  type KeyScope,
  type KeyView,
} from '@acrouter/db/key-store';
import type { Database } from '@acrouter/db/client';
import { AcrError } from '@acrouter/domain/errors';
import { InvalidArgumentError, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { durationMs } from '../duration';
import { KEY_HEADING, keyRow, stateOf } from '../key-row';
import { note, paint, print, printJson } from '../output';
import { plain } from '../text-layout';

interface KeyOptions extends DatabaseChoice {
  tenant?: string;
  name?: string;
  scopes?: KeyScope[];
  expires?: number;
  requestsPerMinute?: number;
  json?: boolean;
}

/** What a pipeline needs. */
const DEFAULT_SCOPES: readonly KeyScope[] = ['submit', 'read', 'feedback'];

/** `acr keys` */
export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('API keys: create, list, revoke')
    .description(
      'API keys of tenants. A tenant comes into being with its first key. docs/keys.md tells more.',
    );
  const command = (name: string, description: string) =>
    withDatabaseOptions(keys.command(name).description(description)).option('--json', 'print JSON');
  command('create', 'make a key; it is shown once')
    .option('--tenant <name>', 'whose key it is', tenantName, 'default')
    .option('--name <text>', 'what it is for, to recognise it in the list')
    .option(
      '--scopes <list>',
      `any of ${KEY_SCOPES.join(', ')} (default: ${DEFAULT_SCOPES.join(',')})`,
      scopes,
    )
    .option('--expires <time>', 'life of the key, e.g. 12h or 90d (default: no end)', durationMs)
    .option('--requests-per-minute <n>', 'default: ACR_RATE_LIMIT_PER_MINUTE', wholeNumber)
    .action(create);
  command('list', 'keys without their secrets, oldest first')
    .option('--tenant <name>', 'of one tenant only')
    .action(list);
  command('revoke', 'end a key for good, within seconds')
    .argument('<key>', 'its id or prefix, as "acr keys list" shows them')
    .action(revoke);
}

/** For commander: name of a tenant. */
export function tenantName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('A tenant’s name has up to 64 letters, digits and . _ -');
}

/** Says on stderr when a tenant has no key: a mistyped name would limit or prefer nobody. `default` needs none. */
export async function noteUnknownTenant(db: Database, tenant: string): Promise<void> {
  if (tenant === 'default' || (await listKeys(db, tenant)).length > 0) return;
  note(
    `Tenant ${tenant} has no key yet, so nobody submits as it. "acr tenants list" shows the names in use.`,
  );
}

function scopes(text: string): KeyScope[] {
  const wanted = text.split(',').map((s) => s.trim());
  const known = KEY_SCOPES.filter((s) => wanted.includes(s));
  if (known.length === 0 || wanted.some((w) => !KEY_SCOPES.includes(w as KeyScope)))
    throw new InvalidArgumentError(`It must be a list of: ${KEY_SCOPES.join(', ')}.`);
  return known;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 2_147_483_647) return value;
  throw new InvalidArgumentError('It must be a whole number, 1 or more.');
}

async function create(options: KeyOptions): Promise<void> {
  const id = randomUUID();
  const tenantId = options.tenant ?? 'default';
  const asked = {
    id,
    tenantId,
    name: options.name ?? null,
    scopes: options.scopes ?? DEFAULT_SCOPES,
    requestsPerMinute: options.requestsPerMinute ?? null,
    expiresAt: options.expires === undefined ? null : new Date(Date.now() + options.expires),
  };
  const made = await withDatabase(options, (db) => createKey(db, asked));
  if (options.json) printJson({ ...asked, ...made });
  else print(made.key);
  note(
    `Key ${made.prefix} of tenant ${tenantId}. It cannot be shown again: keep it now, as ACR_API_KEY for example.`,
  );
}

async function list(options: KeyOptions): Promise<void> {
  const keys = await withDatabase(options, (db) => listKeys(db, options.tenant ?? null));
  if (options.json) return keys.forEach((key) => printJson(view(key)));
  if (keys.length === 0) return note('No keys. Make one with "acr keys create".');
  print(paint.dim(KEY_HEADING));
  for (const key of keys) print(keyRow(key));
}

async function revoke(idOrPrefix: string, options: KeyOptions): Promise<void> {
  const key = await withDatabase(options, (db) => revokeKey(db, idOrPrefix));
  if (!key)
    throw new AcrError(
      'ACR_NOT_FOUND',
      'There is no key with this id or prefix. "acr keys list" shows them.',
    );
  if (options.json) printJson(view(key));
  note(`Key ${key.prefix} of tenant ${plain(key.tenant_id)} is revoked; gateways refuse it within 2 s.`);
}

function view(key: KeyView) {
  return {
    id: key.id,
    prefix: key.prefix,
    tenantId: key.tenant_id,
    name: key.name,
    scopes: key.scopes,
    state: stateOf(key).state,
    requestsPerMinute: key.requests_per_minute,
    createdAt: key.created_at,
    expiresAt: key.expires_at,
    revokedAt: key.revoked_at,
  };
}
