import { forgetGroups, takeForgotten, type OutboxRow } from '@acrouter/db/outbox-store';
import type { Database } from '@acrouter/db/client';
import type { Outgoing, QueuePublisher } from '@acrouter/queue/publisher';
import type { Metrics } from '@acrouter/telemetry/metrics';
import { Grouped } from './grouped';
import type { Logger } from '@acrouter/telemetry/log';

/** A row so old was left behind by a process that died between its commit and its publishing. */
const FORGOTTEN_MS = 3_000;
const SWEEP_MS = 2_000;
/** Transactions per sweep, of up to some hundreds of messages each. */
const BATCH = 8;
/** Published rows are deleted together, so long after the first; far below `FORGOTTEN_MS`. */
const FORGET_MS = 250;

/**
 * Publishes what a committed transaction wrote into the outbox: at once by the process that committed, and
 * later by anyone when that process died. At least once; the job ids make a repetition harmless.
 */
export class OutboxRelay {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();
  private readonly inFlight = new Set<Promise<void>>();
  private readonly sends = new Grouped((groups: readonly (readonly OutboxRow[])[]) => this.send(groups), {
    gapMs: 2,
    parallel: 2,
  });
  private published: number[] = [];
  private forgetting: NodeJS.Timeout | null = null;

  constructor(
    private readonly db: Database,
    private readonly publisher: QueuePublisher,
    private readonly metrics: Metrics,
    private readonly log: Logger,
  ) {}

  /** Starts looking for forgotten rows. */
  start(): void {
    this.timer ??= setInterval(() => {
      this.sweeping = this.sweep().catch((error: unknown) =>
        this.log.warn({ err: error }, 'outbox sweep failed; will retry'),
      );
    }, SWEEP_MS);
  }

  /** Stops looking; resolves when nothing is being published any more. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    await Promise.allSettled([this.sweeping, ...this.inFlight]);
    if (this.forgetting) {
      clearTimeout(this.forgetting);
      this.forget();
    }
    await Promise.allSettled(this.inFlight);
  }

  /**
   * Publishes rows whose transaction has committed, together with those of other jobs. A queue that is away is no
   * error here: the rows stay and are published when it is back.
   */
  async publish(rows: readonly OutboxRow[]): Promise<void> {
    if (rows.length === 0) return;
    const work = this.sends
      .do(rows)
      .catch((error: unknown) =>
        this.log.warn(
          { err: error, rows: rows.length },
          'messages stay in the outbox; will be published later',
        ),
      );
    this.inFlight.add(work);
    await work.finally(() => this.inFlight.delete(work));
  }

  private async send(groups: readonly (readonly OutboxRow[])[]): Promise<void[]> {
    const rows = groups.flat();
    await this.publisher.publishMany(rows.map(toOutgoing));
    for (const { group } of rows) {
      group.open -= 1;
      if (group.open === 0) this.published.push(group.id);
    }
    this.forgetting ??= setTimeout(() => this.forget(), FORGET_MS);
    return groups.map(() => undefined);
  }

  /** Deletes what was published. Nobody waits for it: a row that outlives its process is published again. */
  private forget(): void {
    this.forgetting = null;
    const work = forgetGroups(this.db, this.published.splice(0)).catch((error: unknown) =>
      this.log.warn({ err: error }, 'published messages stay in the outbox; will be published again'),
    );
    this.inFlight.add(work);
    void work.finally(() => this.inFlight.delete(work));
  }

  private async sweep(): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      const rows = await takeForgotten(trx, FORGOTTEN_MS, BATCH);
      if (rows.length === 0) return;
      await this.publisher.publishMany(rows.map(toOutgoing));
      await forgetGroups(trx, [...new Set(rows.map((r) => r.group.id))]);
      this.metrics.outboxRelayed.inc(rows.length);
    });
  }
}

function toOutgoing(row: OutboxRow): Outgoing {
  return {
    queue: row.queue,
    message: row.payload,
    options: {
      jobId: row.jobId,
      ...(row.key === null ? {} : { key: row.key }),
      ...(row.delayMs > 0 ? { delayMs: row.delayMs } : {}),
      ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
      ...(row.expedited ? { expedited: true } : {}),
    },
  } as Outgoing;
}
