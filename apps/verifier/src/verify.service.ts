import type { VerifyMessage } from '@acrouter/contracts/messages';
import { verdictsStep, type StoredVerdict } from '@acrouter/db/attempt-store';
import { attemptsToCheck, type AttemptToCheck } from '@acrouter/db/check-reads';
import type { Database, Executor } from '@acrouter/db/client';
import { enqueue, marksOf, type OutboxRow, type OutgoingMessage } from '@acrouter/db/outbox-store';
import { storePairs } from '@acrouter/db/opinion-store';
import { isDimension, type Dimension } from '@acrouter/domain/task';
import type { JobContext } from '@acrouter/queue/handles';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE } from '@acrouter/service/tokens';
import type { CheckableTask, Verdict } from '@acrouter/verification/verdict';
import { Inject, Injectable } from '@nestjs/common';
import { CheckMeter } from './check-meter';
import { Checker } from './checker';
import { flakyIn, learnFlaky } from './flaky-checks';
import { OpinionsService, type Weighed } from './opinions.service';
import { PaidCalls } from './paid-calls';

/** What this service needs to know of a delivery. */
type Delivery = Pick<JobContext, 'signal' | 'waitMs'>;

/** A verdict to be stored. */
interface Judged extends Weighed {
  taskId: string;
  attempt: number;
  tenantId: string;
  dimension: Dimension;
  next: OutgoingMessage;
  waitMs: number;
  workMs: number;
}

/** Judges one stored answer and stores the verdict; the first verdict of an attempt wins. */
@Injectable()
export class VerifyService {
  private readonly reads = new Grouped((keys: readonly VerifyMessage[]) => attemptsToCheck(this.db, keys), {
    keyOf: (k) => k.taskId,
  });
  private readonly writes = new Grouped((judged: readonly Judged[]) => this.write(judged), {
    keyOf: (j) => j.taskId,
  });

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly checker: Checker,
    private readonly opinions: OpinionsService,
    private readonly calls: PaidCalls,
    private readonly meter: CheckMeter,
  ) {}

  /**
   * Returns the messages to publish. An attempt that has its verdict already only points on, since the process
   * that gave it may have died before it could say so.
   * @throws the signal's reason when the delivery was stopped: half a check is no verdict.
   */
  async verify(message: VerifyMessage, delivery: Delivery): Promise<OutboxRow[]> {
    const { taskId, attempt } = message;
    const found = await this.reads.do(message);
    if (!found) return [];
    const { task, row } = found;
    const next = { queue: 'feedback' as const, message: { taskId, attempt }, ...marksOf(task) };
    if (row.status === 'verified') return enqueue(this.db, [next]);
    if (row.status !== 'answered' || task.settled_at) {
      await this.calls.abandon(taskId, attempt);
      return [];
    }
    const startedMs = performance.now();
    const checkable = checkableOf(found);
    const dimension = checkable.dimension ?? 'code_generation';
    const given = { task: checkable, answer: row.answer ?? '', flaky: flakyIn(this.db, found) };
    const executed = await this.checker.check(given, delivery.signal);
    delivery.signal.throwIfAborted();
    await learnFlaky(this.db, found, executed);
    const executedOn = { task, row, checkable, executed };
    const { verdict, learnt } = await this.opinions.weigh(executedOn, dimension, delivery.signal);
    delivery.signal.throwIfAborted();
    const workMs = performance.now() - startedMs;
    this.meter.record(message, verdict, workMs);
    const { waitMs } = delivery;
    const judged = {
      taskId,
      attempt,
      tenantId: task.tenant_id,
      dimension,
      verdict,
      learnt,
      next,
      waitMs,
      workMs,
    };
    const stored = await this.writes.do(judged);
    return stored ? [stored] : [];
  }

  private async write(judged: readonly Judged[]): Promise<(OutboxRow | null)[]> {
    const teaching = judged.some((j) => j.learnt);
    const outbox = teaching
      ? await this.db.transaction().execute((trx) => this.storeAndLearn(trx, judged))
      : await store(this.db, judged);
    const rows = new Map(outbox.map((row) => [row.payload['taskId'], row]));
    return judged.map((j) => rows.get(j.taskId) ?? null);
  }

  private async storeAndLearn(trx: Executor, judged: readonly Judged[]): Promise<OutboxRow[]> {
    const outbox = await store(trx, judged);
    const stored = new Set(outbox.map((row) => row.payload['taskId']));
    for (const j of judged)
      if (j.learnt && stored.has(j.taskId))
        await storePairs(trx, { ...j, wasRight: j.learnt.wasRight }, j.learnt.pairs);
    return outbox;
  }
}

/** Stores verdicts, and what follows from each that is its attempt's first. */
function store(db: Executor, judged: readonly Judged[]): Promise<OutboxRow[]> {
  const verdicts = judged.map(({ verdict, taskId, attempt, waitMs, workMs }) => ({
    ...toStored(verdict),
    taskId,
    attempt,
    waitMs,
    workMs,
  }));
  const messages = judged.map((j) => j.next);
  return enqueue(db, messages, [verdictsStep(verdicts)], 'first');
}

function checkableOf({ task, dimension }: AttemptToCheck): CheckableTask {
  return {
    prompt: task.prompt,
    language: task.language,
    dimension: isDimension(dimension) ? dimension : null,
    verification: task.verification,
  };
}

function toStored(verdict: Verdict): StoredVerdict {
  const { passed, score, confidence, signals, ...rest } = verdict;
  return { passed, score, confidence, signals, verdict: { ...rest } };
}
