import type { Env } from '@acrouter/config/env';
import { lockBacklog, readBacklogs } from '@acrouter/db/backlog-store';
import type { Executor } from '@acrouter/db/client';
import { AcrError } from '@acrouter/domain/errors';
import { ENV } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';

/** A count of the queues is good for that long, ms. */
const FRESH_MS = 1_000;
/** How quickly the queues move is measured over at least that long, ms. */
const RATE_SPAN_MS = 10_000;
/** Requests of fewer tasks are not counted exactly while half of the limit is free. */
const SMALL_REQUEST = 100;
/** What a refused client is asked to wait: at least, at most, and when nothing is known, s. */
const RETRY_SECONDS = { min: 1, max: 60, unknown: 10 };

/** The queues at one moment. */
interface Snapshot {
  atMs: number;
  queued: Map<string, number>;
  admitted: Map<string, number>;
}

/** Whose backlog is full. */
type Scope = 'tenant' | 'all';

/**
 * Keeps the queue bounded: a request whose tasks do not fit is refused whole. A tenant's limit is exact; that of
 * all tenants together rests on a count that is up to a second old.
 */
@Injectable()
export class Backlog {
  private now: Snapshot | null = null;
  /** An older one, to see how quickly the queues move. */
  private before: Snapshot | null = null;
  private looking: Promise<Snapshot> | null = null;

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly metrics: Metrics,
  ) {
    for (const scope of ['tenant', 'all']) metrics.backlogRefusals.inc({ scope }, 0);
  }

  /**
   * Makes sure that `count` more tasks of the tenant may be queued by this transaction; before it writes anything.
   * @throws AcrError ACR_BACKLOG_FULL
   */
  async claim(trx: Executor, tenantId: string, count: number): Promise<void> {
    if (count === 0) return;
    const seen = await this.look(trx);
    const all = sum(seen.queued);
    if (all + count > this.env.ACR_BACKLOG_TOTAL) throw this.refusal('all', tenantId, all, count);
    const limit = this.env.ACR_BACKLOG_PER_TENANT;
    const about = seen.queued.get(tenantId) ?? 0;
    if (count > SMALL_REQUEST || about + count > limit / 2) {
      const queued = await lockBacklog(trx, tenantId);
      if (queued + count > limit) throw this.refusal('tenant', tenantId, queued, count);
    }
    seen.queued.set(tenantId, about + count);
  }

  /** Over the caller's connection: waiting for another one while holding one can leave everybody without. */
  private look(trx: Executor): Promise<Snapshot> {
    if (this.now && Date.now() - this.now.atMs < FRESH_MS) return Promise.resolve(this.now);
    return (this.looking ??= this.count(trx).finally(() => (this.looking = null)));
  }

  private async count(trx: Executor): Promise<Snapshot> {
    const rows = await readBacklogs(trx);
    const now: Snapshot = {
      atMs: Date.now(),
      queued: new Map(rows.map((r) => [r.tenantId, r.queued])),
      admitted: new Map(rows.map((r) => [r.tenantId, r.admitted])),
    };
    if (!this.before || (this.now && now.atMs - this.before.atMs > 2 * RATE_SPAN_MS))
      this.before = this.now ?? now;
    return (this.now = now);
  }

  private refusal(scope: Scope, tenantId: string, queued: number, count: number): AcrError {
    this.metrics.backlogRefusals.inc({ scope });
    const variable = scope === 'tenant' ? 'ACR_BACKLOG_PER_TENANT' : 'ACR_BACKLOG_TOTAL';
    const limit = this.env[variable];
    const seconds = this.secondsUntil(scope === 'tenant' ? tenantId : null, queued + count - limit);
    const whose = scope === 'tenant' ? 'Your tenant has' : 'All tenants together have';
    return new AcrError(
      'ACR_BACKLOG_FULL',
      `${whose} ${queued} of at most ${limit} tasks queued; ${count} more do not fit, and none of this request was ` +
        `stored. Send it again in ${seconds} s, or send fewer tasks. The limit is ${variable}.`,
      {
        fields: {
          retryAfterSeconds: seconds,
          rateLimit: { policy: 'backlog', limit, remaining: Math.max(0, limit - queued) },
        },
      },
    );
  }

  /** When about `excess` tasks will have left the queue, s. */
  private secondsUntil(tenantId: string | null, excess: number): number {
    const { now, before } = this;
    const spanMs = now && before ? now.atMs - before.atMs : 0;
    // Of a tenant that had nothing queued then, nothing is known.
    const admitted = (s: Snapshot | null): number =>
      (tenantId === null ? s && sum(s.admitted) : s?.admitted.get(tenantId)) ?? NaN;
    const perSecond = spanMs >= RATE_SPAN_MS ? ((admitted(now) - admitted(before)) / spanMs) * 1_000 : NaN;
    const seconds = perSecond > 0 ? Math.ceil(excess / perSecond) : RETRY_SECONDS.unknown;
    return Math.min(RETRY_SECONDS.max, Math.max(RETRY_SECONDS.min, seconds));
  }
}

const sum = (values: ReadonlyMap<string, number>): number =>
  [...values.values()].reduce((total, value) => total + value, 0);
