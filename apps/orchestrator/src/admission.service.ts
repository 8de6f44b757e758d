import type { Env } from '@acrouter/config/env';
import {
  admitPicks,
  lookAtQueue,
  readInFlight,
  readQueues,
  saveShares,
  takeClock,
  type AdmittedTask,
} from '@acrouter/db/admission-store';
import type { Database } from '@acrouter/db/client';
import { enqueue, marksOf, type OutboxRow } from '@acrouter/db/outbox-store';
import { admit, mostOfOne, PRIORITIES, priorityOf } from '@acrouter/domain/admission';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { DATABASE, ENV } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { Departures } from './departures';

/**
 * Lets queued tasks into the loop, up to the window, fairly (libs/domain admission.ts). Any orchestrator may do
 * a round at any time: the clock's row lock makes them one after the other, and a task that was let in by a
 * process that died is published from the outbox by another.
 */
@Injectable()
export class AdmissionService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'ACR_WINDOW'>,
    private readonly relay: OutboxRelay,
    private readonly metrics: Metrics,
    private readonly departures: Departures,
  ) {
    metrics.window.set(env.ACR_WINDOW);
    // From the start, or the first admissions would be in no rate.
    for (const priority of PRIORITIES) {
      metrics.admissionWait.zero({ priority });
      for (const expedited of ['true', 'false']) metrics.admissions.inc({ priority, expedited }, 0);
    }
  }

  /**
   * One round; its messages are then in the queue or safe in the outbox. Says what is left: `nothing`, tasks that
   * wait for a place (`waiting`), or tasks that another round could move at once (`more`).
   */
  async round(): Promise<'nothing' | 'waiting' | 'more'> {
    const { queued, leaving } = await lookAtQueue(this.db);
    if (!queued) return 'nothing';
    const more = leaving && (await this.departures.settle());
    const { admitted, outbox } = await this.admit();
    this.count(admitted);
    await this.relay.publish(outbox);
    return more ? 'more' : 'waiting';
  }

  private admit(): Promise<{ admitted: AdmittedTask[]; outbox: OutboxRow[] }> {
    return this.db.transaction().execute(async (trx) => {
      const clock = await takeClock(trx);
      const inFlight = await readInFlight(trx);
      const window = this.env.ACR_WINDOW;
      const queues = await readQueues(trx, mostOfOne(clock, inFlight, window));
      const { picks, shares, clock: then } = admit({ clock, queues, inFlight, window });
      if (picks.length === 0) return { admitted: [], outbox: [] };
      const admitted = await admitPicks(trx, picks);
      await saveShares(trx, then, shares, picks);
      const outbox = await enqueue(
        trx,
        admitted.map((t) => ({ queue: 'context', message: { taskId: t.id }, ...marksOf(t) })),
      );
      return { admitted, outbox };
    });
  }

  private count(admitted: readonly AdmittedTask[]): void {
    for (const { priority, expedited, waitedMs } of admitted) {
      const label = priorityOf(priority);
      this.metrics.admissions.inc({ priority: label, expedited: String(expedited) });
      this.metrics.admissionWait.observe({ priority: label }, waitedMs / 1_000);
    }
  }
}
