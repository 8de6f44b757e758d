import type { Cancelled } from '@acrouter/contracts/http';
import { tellQueued } from '@acrouter/db/admission-store';
import type { Database, Executor } from '@acrouter/db/client';
import { enqueue, marksOf, type OutboxRow, type TaskMarks } from '@acrouter/db/outbox-store';
import { requestRunCancel } from '@acrouter/db/run-store';
import { loadTask, requestCancel } from '@acrouter/db/task-store';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { notFound } from './parse';

/** Asks for cancellations; the orchestrator, which alone changes a task's state, carries them out. */
@Injectable()
export class CancellationsService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly relay: OutboxRelay,
  ) {}

  /** `requested` is 0 for a task that is settled already. @throws AcrError ACR_NOT_FOUND */
  async cancelTask(tenantId: string, id: string): Promise<Cancelled> {
    const { requested, outbox } = await this.db.transaction().execute(async (trx) => {
      const task = await loadTask(trx, id);
      if (task?.tenant_id !== tenantId) throw notFound('task');
      const where = await requestCancel(trx, tenantId, id);
      const open = where === null ? [] : [{ ...task, queued: where === 'queued' }];
      return { requested: open.length, outbox: await tell(trx, open) };
    });
    void this.relay.publish(outbox);
    return { id, requested };
  }

  /** All tasks of the run that are not settled; the run takes no more. @throws AcrError ACR_NOT_FOUND */
  async cancelRun(tenantId: string, id: string): Promise<Cancelled> {
    const { requested, outbox } = await this.db.transaction().execute(async (trx) => {
      const open = await requestRunCancel(trx, tenantId, id);
      if (open === null) throw notFound('run');
      return { requested: open.length, outbox: await tell(trx, open) };
    });
    void this.relay.publish(outbox);
    return { id, requested };
  }
}

/** Messages per row of the outbox. */
const BATCH = 500;

/** Tells the loop of the tasks in it; queued ones are settled where they are. */
async function tell(
  trx: Executor,
  tasks: readonly (TaskMarks & { id: string; queued: boolean })[],
): Promise<OutboxRow[]> {
  const inLoop = tasks.filter((t) => !t.queued);
  if (inLoop.length < tasks.length) await tellQueued(trx);
  const rows: OutboxRow[] = [];
  for (let from = 0; from < inLoop.length; from += BATCH) {
    const messages = inLoop.slice(from, from + BATCH).map((t) => ({
      queue: 'decide' as const,
      message: { kind: 'cancel' as const, taskId: t.id },
      ...marksOf(t),
    }));
    rows.push(...(await enqueue(trx, messages)));
  }
  return rows;
}
