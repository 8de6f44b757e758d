import type { Database } from '@acrouter/db/client';
import { readPairs } from '@acrouter/db/opinion-store';
import { LEARNT_SIGNALS, trustIn, type PairRow } from '@acrouter/domain/verification/calibration';
import { BELIEVED_RELIABILITY, type Trusts } from '@acrouter/domain/verification/score';
import type { SignalKind } from '@acrouter/domain/verification/signals';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';

/** How old what is known of a tenant's signals may be, ms: it changes by one pair in thousands. */
const MAX_AGE_MS = 30_000;
const MAX_TENANTS = 500;

/** What was learnt of each tenant's signals; tenants learn nothing from each other. */
@Injectable()
export class TrustBook {
  private readonly known = new Map<string, { readAtMs: number; rows: Promise<PairRow[]> }>();

  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Trust in every signal in one dimension. `judge`: the judge's model, whose own pairs alone count. */
  async trusts(tenantId: string, dimension: string, judge: string | null): Promise<Trusts> {
    const rows = await this.rowsOf(tenantId);
    const sourceOf = (kind: SignalKind) => (kind === 'judge' ? judge : '');
    return Object.fromEntries(
      LEARNT_SIGNALS.map((kind) => {
        const own = rows.filter((r) => r.kind === kind && r.source === sourceOf(kind));
        return [kind, trustIn(own, dimension, BELIEVED_RELIABILITY[kind])];
      }),
    );
  }

  private rowsOf(tenantId: string): Promise<PairRow[]> {
    const known = this.known.get(tenantId);
    const nowMs = performance.now();
    if (known && nowMs - known.readAtMs < MAX_AGE_MS) return known.rows;
    if (this.known.size >= MAX_TENANTS) this.known.clear();
    const rows = readPairs(this.db, tenantId);
    this.known.set(tenantId, { readAtMs: nowMs, rows });
    rows.catch(() => this.known.delete(tenantId));
    return rows;
  }
}
