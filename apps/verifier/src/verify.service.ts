import type { VerifyMessage } from '@acrouter/contracts/messages';
import { loadAttempt, storeVerdict, type StoredVerdict } from '@acrouter/db/attempt-store';
import type { Database } from '@acrouter/db/client';
import { loadContext } from '@acrouter/db/context-store';
import { enqueue, type OutboxRow } from '@acrouter/db/outbox-store';
import { storePairs } from '@acrouter/db/opinion-store';
import { recordStage } from '@acrouter/db/stage-store';
import { loadTask, type TaskRow } from '@acrouter/db/task-store';
import { isDimension } from '@acrouter/domain/task';
import type { JobContext } from '@acrouter/queue/handles';
import { DATABASE } from '@acrouter/service/tokens';
import type { CheckableTask, Verdict } from '@acrouter/verification/verdict';
import { Inject, Injectable } from '@nestjs/common';
import { CheckMeter } from './check-meter';
import { Checker } from './checker';
import { OpinionsService } from './opinions.service';

/** What this service needs to know of a delivery. */
type Delivery = Pick<JobContext, 'signal' | 'waitMs'>;

/** Judges one stored answer and stores the verdict; the first verdict of an attempt wins. */
@Injectable()
export class VerifyService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly checker: Checker,
    private readonly opinions: OpinionsService,
    private readonly meter: CheckMeter,
  ) {}

  /**
   * Returns the messages to publish. An attempt that has its verdict already only points on, since the process
   * that gave it may have died before it could say so.
   * @throws the signal's reason when the delivery was stopped: half a check is no verdict.
   */
  async verify(message: VerifyMessage, delivery: Delivery): Promise<OutboxRow[]> {
    const { taskId, attempt } = message;
    const [task, row] = await Promise.all([loadTask(this.db, taskId), loadAttempt(this.db, taskId, attempt)]);
    if (!task || !row) return [];
    const next = { queue: 'feedback' as const, message: { taskId, attempt }, traceparent: task.traceparent };
    if (row.status === 'verified') return enqueue(this.db, [next]);
    if (row.status !== 'answered' || task.settled_at) {
      await this.opinions.abandon(taskId, attempt);
      return [];
    }
    const startedMs = performance.now();
    const checkable = await this.checkable(task);
    const dimension = checkable.dimension ?? 'code_generation';
    const executed = await this.checker.check(checkable, row.answer ?? '', delivery.signal);
    delivery.signal.throwIfAborted();
    const { verdict, learnt } = await this.opinions.weigh(task, row, dimension, executed, delivery.signal);
    delivery.signal.throwIfAborted();
    const workMs = performance.now() - startedMs;
    this.meter.record(message, verdict, workMs);
    return this.db.transaction().execute(async (trx) => {
      if (!(await storeVerdict(trx, taskId, attempt, toStored(verdict)))) return [];
      if (learnt) {
        const { wasRight, pairs } = learnt;
        await storePairs(trx, { taskId, attempt, tenantId: task.tenant_id, dimension, wasRight }, pairs);
      }
      await recordStage(trx, { taskId, turn: attempt, stage: 'verify', waitMs: delivery.waitMs, workMs });
      return enqueue(trx, [next]);
    });
  }

  /** The task as memory understood it, where the user did not say. */
  private async checkable(task: TaskRow): Promise<CheckableTask> {
    const context = await loadContext(this.db, task.id);
    const dimension = task.dimension ?? context?.dimension;
    return {
      prompt: task.prompt,
      language: task.language,
      dimension: isDimension(dimension) ? dimension : null,
      verification: task.verification,
    };
  }
}

function toStored(verdict: Verdict): StoredVerdict {
  const { passed, score, confidence, signals, ...rest } = verdict;
  return { passed, score, confidence, signals, verdict: { ...rest } };
}
