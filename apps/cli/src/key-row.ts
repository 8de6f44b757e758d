import { KEY_SCOPES, type KeyView } from '@acrouter/db/key-store';
import { left, plain } from './text-layout';

/** What a key is worth now; `until`: its end, past or to come (ISO 8601), `null` without one. */
export function stateOf(
  key: Pick<KeyView, 'revoked_at' | 'expires_at'>,
  nowMs = Date.now(),
): { state: 'valid' | 'revoked' | 'expired'; until: string | null } {
  if (key.revoked_at) return { state: 'revoked', until: key.revoked_at.toISOString() };
  const until = key.expires_at?.toISOString() ?? null;
  return { state: key.expires_at && key.expires_at.getTime() <= nowMs ? 'expired' : 'valid', until };
}

/** Room for all scopes: one that is cut off is one that somebody does not see. */
const SCOPES_WIDTH = KEY_SCOPES.join(',').length;

const row = (prefix: string, tenant: string, state: string, scopes: string, name: string): string =>
  ` ${[left(prefix, 12), left(tenant, 13), left(state, 19), left(scopes, SCOPES_WIDTH)].join(' ')} ${name}`.trimEnd();

/** The heading over {@link keyRow}. */
export const KEY_HEADING = row('prefix', 'tenant', 'state', 'scopes', 'name');

/** A key as a line of `acr keys list`; its name, last, may pass the terminal's edge. */
export function keyRow(key: KeyView): string {
  const { state, until } = stateOf(key);
  const day = until?.slice(0, 10) ?? '';
  const shown = until === null ? state : `${state} ${state === 'valid' ? 'to ' : ''}${day}`;
  return row(key.prefix, plain(key.tenant_id), shown, key.scopes.join(','), plain(key.name ?? ''));
}
