import type { Database } from '@acrouter/db/client';
import { findKey, isValidKey, prefixOf, type KeyRow } from '@acrouter/db/key-store';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';

/** How long a key's row is remembered, and so how long a revoked key may still be served, ms. Published in docs/keys.md. */
const KEY_CACHE_MS = 2_000;
/** Prefixes remembered, known or not; guessing must not fill the memory. */
const CACHE_SIZE = 10_000;

/** Knows which keys are valid. */
@Injectable()
export class KeyRing {
  private readonly remembered = new Map<string, { row: Promise<KeyRow | undefined>; untilMs: number }>();

  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /**
   * The row of a valid key; `null` for a wrong, revoked, expired or unknown one. All of them take the same way:
   * one look-up, one hash, one comparison.
   */
  async check(key: string): Promise<KeyRow | null> {
    const row = await this.find(prefixOf(key));
    return isValidKey(key, row, Date.now()) && row ? row : null;
  }

  private find(prefix: string): Promise<KeyRow | undefined> {
    const nowMs = Date.now();
    const known = this.remembered.get(prefix);
    if (known && known.untilMs > nowMs) return known.row;
    const row = findKey(this.db, prefix);
    // A Postgres that was away must not be remembered as an answer.
    row.catch(() => this.remembered.delete(prefix));
    this.remembered.delete(prefix);
    this.remembered.set(prefix, { row, untilMs: nowMs + KEY_CACHE_MS });
    const oldest = this.remembered.size > CACHE_SIZE ? this.remembered.keys().next().value : undefined;
    if (oldest !== undefined) this.remembered.delete(oldest);
    return row;
  }
}
