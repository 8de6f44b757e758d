import { markPublished, takeForgotten, type OutboxRow } from '@acrouter/db/outbox-store';
import type { Database } from '@acrouter/db/client';
import type { Outgoing, QueuePublisher } from '@acrouter/queue/publisher';
import type { Metrics } from '@acrouter/telemetry/metrics';
import type { Logger } from '@acrouter/telemetry/log';

/** A row so old was left behind by a process that died between its commit and its publishing. */
const FORGOTTEN_MS = 3_000;
const SWEEP_MS = 2_000;
const BATCH = 500;

/**
 * Publishes what a committed transaction wrote into the outbox: at once by the process that committed, and
 * later by anyone when that process died. At least once; the job ids make a repetition harmless.
 */
export class OutboxRelay {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();
  private readonly inFlight = new Set<Promise<void>>();

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
  }

  /**
   * Publishes rows whose transaction has committed. A queue that is away is no error here: the rows stay and
   * are published when it is back.
   */
  async publish(rows: readonly OutboxRow[]): Promise<void> {
    if (rows.length === 0) return;
    const work = this.send(rows, this.db).catch((error: unknown) =>
      this.log.warn(
        { err: error, rows: rows.length },
        'messages stay in the outbox; will be published later',
      ),
    );
    this.inFlight.add(work);
    await work.finally(() => this.inFlight.delete(work));
  }

  private async send(rows: readonly OutboxRow[], db: Pick<Database, 'deleteFrom'>): Promise<void> {
    await this.publisher.publishMany(rows.map(toOutgoing));
    await markPublished(
      db as Database,
      rows.map((r) => r.id),
    );
  }

  private async sweep(): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      const rows = await takeForgotten(trx, FORGOTTEN_MS, BATCH);
      if (rows.length === 0) return;
      await this.send(rows, trx);
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
