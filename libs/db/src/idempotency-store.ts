import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Executor } from './client';
import { json } from './postgres-text';

/**
 * What a key stands for.
 * - `new`: nobody used it, and nobody else can until this transaction ends: do the work and `keepAnswer`
 * - `busy`: another transaction works under it now
 * - `replay`: it was answered so; `body` is the exact text of the first answer
 * - `mismatch`: it was used with another request
 */
export type KeyState =
  | { kind: 'new' }
  | { kind: 'busy' }
  | { kind: 'replay'; statusCode: number; body: string; expiresAt: Date }
  | { kind: 'mismatch' };

/** SHA-256 of what must be the same for a request to be the same. */
export function requestHash(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}

/**
 * Takes a key for this transaction. The key is held by an advisory lock, not by a row: a process that dies in the
 * middle leaves nothing behind, and its key is free again as soon as Postgres notices.
 */
export async function takeKey(trx: Executor, tenantId: string, key: string, hash: string): Promise<KeyState> {
  const lock = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`acr-idempotency ${tenantId} ${key}`}, 0)) as taken`.execute(
    trx,
  );
  if (!lock.rows[0]?.taken) return { kind: 'busy' };
  const row = await trx
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('key', '=', key)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (!row) return { kind: 'new' };
  if (row.body_hash !== hash) return { kind: 'mismatch' };
  if (row.status_code === null || typeof row.response !== 'string') return { kind: 'new' };
  return { kind: 'replay', statusCode: row.status_code, body: row.response, expiresAt: row.expires_at };
}

/** Keeps the answer in the transaction that did the work; returns until when it is kept. */
export async function keepAnswer(
  trx: Executor,
  tenantId: string,
  key: string,
  answer: { hash: string; statusCode: number; body: string },
  ttlMs: number,
): Promise<Date> {
  const values = {
    body_hash: answer.hash,
    status_code: answer.statusCode,
    response: json(answer.body),
    created_at: sql<Date>`now()`,
    expires_at: sql<Date>`now() + ${ttlMs} * interval '1 millisecond'`,
  };
  const row = await trx
    .insertInto('idempotency_keys')
    .values({ tenant_id: tenantId, key, ...values })
    .onConflict((c) => c.columns(['tenant_id', 'key']).doUpdateSet(values))
    .returning('expires_at')
    .executeTakeFirstOrThrow();
  return row.expires_at;
}

/** Forgets up to `limit` expired keys; returns how many. */
export async function forgetExpiredKeys(db: Executor, limit: number): Promise<number> {
  const result = await sql`
    delete from idempotency_keys where (tenant_id, key) in (
      select tenant_id, key from idempotency_keys where expires_at < now()
      order by expires_at limit ${limit} for update skip locked)`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}
