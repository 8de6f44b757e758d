import { settleLeaving, takeLeaving, type LeavingTask } from '@acrouter/db/admission-store';
import type { Database } from '@acrouter/db/client';
import { insertEvents } from '@acrouter/db/event-store';
import { step, type LoopState } from '@acrouter/domain/loop';
import { DATABASE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';

/** Tasks settled per transaction. */
const BATCH = 500;

/** Settles queued tasks that were cancelled, or whose deadline has passed, without sending them through the loop. */
@Injectable()
export class Departures {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly metrics: Metrics,
  ) {}

  /** One batch, oldest first. Returns whether there may be more. */
  async settle(): Promise<boolean> {
    const settled = await this.db.transaction().execute(async (trx) => {
      const tasks = (await takeLeaving(trx, BATCH)).map((task) => ({ ...task, state: settledState(task) }));
      if (tasks.length === 0) return tasks;
      await settleLeaving(trx, tasks);
      await insertEvents(
        trx,
        tasks.map(({ id: taskId, tenantId, runId, externalId, state }) => ({
          tenantId,
          runId,
          taskId,
          type: 'task.settled',
          data: { externalId, outcome: state.outcome, finalAttempt: null },
        })),
      );
      return tasks;
    });
    for (const { state } of settled) this.metrics.tasks.inc({ outcome: state.outcome ?? 'failed' });
    return settled.length === BATCH;
  }
}

/** The loop's own end of such a task: it would find the deadline when it asks for the first decision. */
function settledState({ state, cancelled }: LeavingTask): LoopState {
  // Postgres's clock found it too late; ours may be behind.
  const nowMs = Math.max(Date.now(), state.limits.deadlineAtMs ?? 0);
  return step(state, cancelled ? { type: 'cancelled' } : { type: 'context-ready' }, nowMs).state;
}
