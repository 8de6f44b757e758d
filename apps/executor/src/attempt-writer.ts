import {
  endWithoutAnswer,
  answersStep,
  type AttemptRow,
  type LeasedAnswer,
} from '@acrouter/db/attempt-store';
import { dropLease } from '@acrouter/db/lease-store';
import { moveBudgets } from '@acrouter/db/budget-moves';
import type { Database, Executor } from '@acrouter/db/client';
import { recoveriesStep, recordOutage } from '@acrouter/db/health-store';
import { settleCalls, type SettledLine } from '@acrouter/db/ledger-group-store';
import { closeUnknown, type CallKey, type CallLine } from '@acrouter/db/ledger-store';
import {
  enqueue,
  marksOf,
  type OutboxRow,
  type OutgoingMessage,
  type TaskMarks,
} from '@acrouter/db/outbox-store';
import type { Timing } from '@acrouter/db/timing';
import { costOf } from '@acrouter/domain/task';
import { coolDownMs, isProviderTrouble } from '@acrouter/models/cooldown';
import type { Answered, Failed } from '@acrouter/models/model-client';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import type { Lease } from './lease';

/** The delivery that an attempt is worked on in. */
export interface Work {
  lease: Lease;
  model: string;
  marks: TaskMarks;
  waitMs: number;
  /** `performance.now()` at its start. */
  startedMs: number;
}

/** A call that a provider answered. */
interface AnsweredCall {
  work: Work;
  line: CallLine;
  result: Answered;
}

/** Why an attempt ended without an answer. */
export interface GivenUp {
  status: 'outage' | 'over-budget';
  code: 'ACR_PROVIDER_OUTAGE' | 'ACR_PROVIDER_REFUSED' | 'ACR_OVER_BUDGET';
  message: string;
}

/**
 * What an executor writes, each in one transaction: the call's line, the attempt, the model's health and the
 * next message. The line is written even when the lease was lost: money spent is spent; the rest is not.
 */
@Injectable()
export class AttemptWriter {
  private readonly answers = new Grouped((answers: readonly AnsweredCall[]) => this.storeAll(answers), {
    keyOf: (a) => a.work.lease.taskId,
  });

  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** A provider answered. Answers of concurrent calls are written together. */
  async answered(work: Work, line: CallLine, result: Answered): Promise<OutboxRow[]> {
    const row = await patiently(() => this.answers.do({ work, line, result }));
    return row ? [row] : [];
  }

  private storeAll(answers: readonly AnsweredCall[]): Promise<(OutboxRow | null)[]> {
    return this.db.transaction().execute(async (trx) => {
      const moves = await settleCalls(trx, answers.flatMap(settledLineOf));
      for (const { line, result } of answers)
        if (costOfCall(line, result) === null) await closeUnreported(trx, line, result);
      const steps = [answersStep(answers.map(answerOf)), recoveriesStep(answers.map((a) => a.work.model))];
      const outbox = await enqueue(trx, answers.map(checkOf), steps, 'first');
      await moveBudgets(trx, moves);
      const rows = new Map(outbox.map((row) => [row.payload['taskId'], row]));
      return answers.map((a) => rows.get(a.work.lease.taskId) ?? null);
    });
  }

  /** A call failed and the attempt goes on. The lease is kept. */
  failed(line: CallLine, failure: Failed): Promise<void> {
    return this.persist((trx) => closeFailed(trx, line, failure));
  }

  /**
   * The attempt is given up.
   * @param failure the last call's, when one was made; trouble of the provider cools the model down.
   * @param askedMs how long the provider asked to be left alone, or `null`.
   */
  gaveUp(
    work: Work,
    why: GivenUp,
    last: { line: CallLine; failure: Failed; askedMs: number | null } | null,
  ): Promise<OutboxRow[]> {
    const { taskId, attempt, token } = work.lease;
    return this.persist(async (trx) => {
      if (last) await closeFailed(trx, last.line, last.failure);
      const { code, message } = why;
      const error = { code, message };
      if (!(await endWithoutAnswer(trx, taskId, attempt, token, why.status, error, timingOf(work))))
        return [];
      if (last && isProviderTrouble(last.failure))
        await recordOutage(
          trx,
          work.model,
          message,
          (n) => new Date(Date.now() + coolDownMs(n, last.askedMs)),
        );
      return enqueue(trx, [finished(taskId, attempt, work.marks)]);
    });
  }

  /** The task was cancelled. Its orchestrator has ended it already or is about to. */
  cancelled({ taskId, attempt, token }: Lease, line: CallLine | null, failure: Failed | null): Promise<void> {
    return this.persist(async (trx) => {
      if (line && failure) await closeFailed(trx, line, failure);
      const error = { code: 'cancelled', message: 'the task was cancelled' };
      await endWithoutAnswer(trx, taskId, attempt, token, 'cancelled', error);
    });
  }

  /** Lines that an earlier executor had sent when it ended: they may have been billed, and nobody knows. */
  async closeOrphans(lines: readonly CallLine[]): Promise<void> {
    for (const line of lines.filter((l) => l.state === 'sent'))
      await this.persist((trx) =>
        closeUnknown(trx, keyOf(line), {
          mayHaveBeenBilled: true,
          error: 'the executor ended during the call',
        }),
      );
  }

  /** The next message of an attempt that is no longer executing, for a delivery that came again. */
  pointOn(row: AttemptRow | undefined, marks: TaskMarks): Promise<OutboxRow[]> {
    if (!row) return Promise.resolve([]);
    const { task_id: taskId, attempt } = row;
    switch (row.status) {
      case 'answered':
        return enqueue(this.db, [{ queue: 'verify', message: { taskId, attempt }, ...marksOf(marks) }]);
      case 'outage':
      case 'over-budget':
        return enqueue(this.db, [finished(taskId, attempt, marks)]);
      case 'executing':
      case 'verified':
      case 'recorded':
      case 'cancelled':
        return Promise.resolve([]);
    }
  }

  /** Lets another delivery begin at once. */
  release({ taskId, attempt, token }: Lease): Promise<void> {
    return dropLease(this.db, taskId, attempt, token);
  }

  private persist<T>(write: (trx: Executor) => Promise<T>): Promise<T> {
    return patiently(() => this.db.transaction().execute(write));
  }
}

/** A paid answer is worth a few tries: Postgres may just be restarting. */
async function patiently<T>(write: () => Promise<T>): Promise<T> {
  for (let delayMs = 100; ; delayMs *= 3)
    try {
      return await write();
    } catch (error) {
      if (delayMs > 3_000) throw error;
      await new Promise((resume) => setTimeout(resume, delayMs));
    }
}

/** Name of a line. */
export const keyOf = (line: CallLine): CallKey => ({
  taskId: line.task_id,
  attempt: line.attempt,
  call: line.call,
});

/** `null` when the provider did not report what the call used: unknown is not zero (must 5). */
const costOfCall = (line: CallLine, { costUsd, usage }: Answered): number | null =>
  costUsd === undefined ? costOf(usage, line.price) : costUsd;

function settledLineOf({ line, result }: AnsweredCall): SettledLine[] {
  const costUsd = costOfCall(line, result);
  const { usage, latencyMs } = result;
  return costUsd === null ? [] : [{ ...keyOf(line), usage, costUsd, latencyMs }];
}

function closeUnreported(trx: Executor, line: CallLine, { latencyMs }: Answered): Promise<void> {
  const error = 'the provider did not report what the call used';
  return closeUnknown(trx, keyOf(line), { mayHaveBeenBilled: true, error, statusCode: 200, latencyMs });
}

function answerOf({ work, result }: AnsweredCall): LeasedAnswer {
  const { text: answer, responseModel, finishReason, latencyMs, usage } = result;
  return {
    ...work.lease,
    ...timingOf(work),
    answer,
    responseModel,
    finishReason,
    latencyMs,
    inputTokens: usage?.inputTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    cachedInputTokens: usage?.cachedInputTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
  };
}

const checkOf = ({ work: { lease, marks } }: AnsweredCall): OutgoingMessage => ({
  queue: 'verify',
  message: { taskId: lease.taskId, attempt: lease.attempt },
  ...marks,
});

function closeFailed(trx: Executor, line: CallLine, failure: Failed): Promise<void> {
  const { mayHaveBeenBilled, message, statusCode, latencyMs } = failure;
  const error = `${failure.failure}: ${message}`;
  return closeUnknown(trx, keyOf(line), { mayHaveBeenBilled, error, statusCode, latencyMs });
}

const finished = (taskId: string, attempt: number, marks: TaskMarks): OutgoingMessage => ({
  queue: 'decide',
  message: { kind: 'attempt-finished', taskId, attempt },
  ...marksOf(marks),
});

const timingOf = ({ waitMs, startedMs }: Work): Timing => ({ waitMs, workMs: performance.now() - startedMs });
