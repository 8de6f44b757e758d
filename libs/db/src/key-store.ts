import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';
import type { ApiKeysTable } from './tables';

/**
 * What a key allows. `submit`: send and cancel work · `read`: see tasks, runs and reports · `feedback`: judge
 * answers · `admin`: everything.
 */
export const KEY_SCOPES = ['submit', 'read', 'feedback', 'admin'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

export interface NewKey {
  id: string;
  tenantId: string;
  name: string | null;
  scopes: readonly KeyScope[];
  /** Requests per minute; `null` = the gateway's default. */
  requestsPerMinute: number | null;
  /** `null` = never. */
  expiresAt: Date | null;
}

/** A key as anyone may see it. */
export type KeyView = Omit<Selectable<ApiKeysTable>, 'secret_hash'>;
/** A key as the gateway checks it. */
export type KeyRow = Selectable<ApiKeysTable>;

/** `acr_<12 hex: prefix>_<43 base64url: 256 random bits>` */
const FORM = /^acr_([0-9a-f]{12})_[\w-]{43}$/;

/**
 * SHA-256. A slow hash protects guessable passwords; a key has 256 random bits, and its hash is computed with
 * every request.
 */
const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/**
 * The public part of a key, by which its row is found. What has not the form of a key gets a prefix that no
 * row has, so that it is looked up and compared like any other.
 */
export function prefixOf(key: string): string {
  return FORM.exec(key)?.[1] ?? `-${hashOf(key).toString('hex').slice(0, 11)}`;
}

/** Makes a key and stores its hash. Returns the key, which nothing can show again. */
export async function createKey(db: Executor, key: NewKey): Promise<{ key: string; prefix: string }> {
  const prefix = randomBytes(6).toString('hex');
  const secret = `acr_${prefix}_${randomBytes(32).toString('base64url')}`;
  await db
    .insertInto('api_keys')
    .values({
      id: key.id,
      tenant_id: key.tenantId,
      name: key.name === null ? null : text(key.name),
      prefix,
      secret_hash: hashOf(secret),
      scopes: [...key.scopes],
      requests_per_minute: key.requestsPerMinute,
      expires_at: key.expiresAt,
    })
    .execute();
  return { key: secret, prefix };
}

/** The row that a key's public part names, whether or not it is still valid. */
export function findKey(db: Executor, prefix: string): Promise<KeyRow | undefined> {
  return db.selectFrom('api_keys').selectAll().where('prefix', '=', prefix).executeTakeFirst();
}

/** Compared with when there is no row, so that an unknown key costs the same work. */
const NOBODY = randomBytes(32);

/** Whether `key` is the one that `row` stands for and is valid now. Takes the same time for every answer. */
export function isValidKey(key: string, row: KeyRow | undefined, nowMs: number): boolean {
  const same = timingSafeEqual(hashOf(key), row?.secret_hash ?? NOBODY);
  const alive = row?.revoked_at === null && (row.expires_at === null || row.expires_at.getTime() > nowMs);
  return same && alive;
}

/** Keys of one tenant, or of all, oldest first. */
export function listKeys(db: Executor, tenantId: string | null): Promise<KeyView[]> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'tenant_id', 'name', 'prefix', 'scopes', 'requests_per_minute'])
    .select(['created_at', 'expires_at', 'revoked_at'])
    .$if(tenantId !== null, (q) => q.where('tenant_id', '=', tenantId ?? ''))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Revokes the key with this id or prefix. Returns it; `undefined` when there is none. Repeating it changes nothing. */
export function revokeKey(db: Executor, idOrPrefix: string): Promise<KeyView | undefined> {
  return db
    .updateTable('api_keys')
    .set({ revoked_at: sql<Date>`coalesce(revoked_at, now())` })
    .where((e) => e.or([e('id', '=', idOrPrefix), e('prefix', '=', idOrPrefix)]))
    .returning(['id', 'tenant_id', 'name', 'prefix', 'scopes', 'requests_per_minute'])
    .returning(['created_at', 'expires_at', 'revoked_at'])
    .executeTakeFirst();
}

/** Where a key stands in its minute. */
export interface RateWindow {
  /** Requests of this minute, this one included. */
  used: number;
  /** Until the next minute begins, s, 1 at least. */
  resetSeconds: number;
}

/** Counts one request of a key. Windows are whole minutes of Postgres's clock, the same for every gateway. */
export async function countRequest(db: Executor, keyId: string): Promise<RateWindow> {
  const { rows } = await sql<RateWindow>`
    insert into rate_windows as w (key_id, window_start, used) values (${keyId}, date_trunc('minute', now()), 1)
    on conflict (key_id) do update set
      used = case when w.window_start = excluded.window_start then w.used + 1 else 1 end,
      window_start = excluded.window_start
    returning used, greatest(1, ceil(60 - extract(second from now())))::int as "resetSeconds"`.execute(db);
  return rows[0] ?? { used: 1, resetSeconds: 60 };
}
