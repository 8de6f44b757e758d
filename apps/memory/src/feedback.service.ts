import { loadAttempt, markRecorded, type AttemptRow } from '@acrouter/db/attempt-store';
import type { Database, Executor } from '@acrouter/db/client';
import { bytesToVector, loadContext, type ContextRow } from '@acrouter/db/context-store';
import { insertExperience, type NewExperience } from '@acrouter/db/experience-store';
import { insertVerifierFeedback, wasSimulated } from '@acrouter/db/feedback-store';
import { enqueue, type OutboxRow } from '@acrouter/db/outbox-store';
import { recordStage } from '@acrouter/db/stage-store';
import { loadTask, type TaskRow } from '@acrouter/db/task-store';
import type { Embedder } from '@acrouter/embedding/embedder';
import { DATABASE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { EMBEDDER } from './tokens';

/** What is read before the transaction, because it never changes again. */
interface Background {
  task: TaskRow;
  context: ContextRow;
  /** The task's vector in this process's space. */
  embedding: Float32Array;
}

/** Commits the verifier's word on an attempt: feedback, experience, statistics and the next message, or none. */
@Injectable()
export class FeedbackService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(EMBEDDER) private readonly embedder: Embedder,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Returns the message for the orchestrator, to be published. A repetition learns nothing, and gives the
   * message again, since the first may be what was lost. An attempt that is not verified (yet) gives none.
   */
  async commit(taskId: string, attempt: number, waitMs: number, signal?: AbortSignal): Promise<OutboxRow[]> {
    const startedMs = performance.now();
    const background = await this.backgroundOf(taskId, signal);
    if (!background) return [];
    return this.db.transaction().execute(async (trx) => {
      const fresh = await markRecorded(trx, taskId, attempt);
      const row = await loadAttempt(trx, taskId, attempt);
      if (row?.status !== 'recorded') return [];
      if (fresh) {
        await this.learn(trx, background, row);
        this.count(background.context.dimension, row);
        const workMs = performance.now() - startedMs;
        await recordStage(trx, { taskId, turn: attempt, stage: 'commit', waitMs, workMs });
        this.metrics.stageDuration.observe({ stage: 'commit' }, workMs / 1000);
      }
      const message = { kind: 'attempt-finished' as const, taskId, attempt };
      return enqueue(trx, [{ queue: 'decide', message, traceparent: background.task.traceparent }]);
    });
  }

  private async backgroundOf(taskId: string, signal?: AbortSignal): Promise<Background | null> {
    const [task, context] = await Promise.all([loadTask(this.db, taskId), loadContext(this.db, taskId)]);
    if (!task || !context) return null;
    // The embedder was changed between the task's context and its feedback.
    const embedding =
      context.embedder === this.embedder.id
        ? bytesToVector(context.embedding)
        : await this.embedder.embed(task.prompt, signal);
    return { task, context, embedding };
  }

  private async learn(trx: Executor, background: Background, row: AttemptRow): Promise<void> {
    const { id: taskId, tenant_id: tenantId } = background.task;
    const score = row.score ?? 0;
    const passed = row.passed === true;
    const conclusive = isConclusive(row);
    await insertVerifierFeedback(trx, { tenantId, taskId, attempt: row.attempt, score, passed, conclusive });
    if (!conclusive) return;
    const simulated = await wasSimulated(trx, taskId, row.attempt);
    await insertExperience(trx, this.experienceOf(background, row, simulated));
  }

  private count(dimension: string, row: AttemptRow): void {
    if (!isConclusive(row)) return;
    const model = this.metrics.modelLabel(row.model);
    // Both series at once: the share of a model that never failed, or never succeeded, is a number too.
    for (const solved of [true, false])
      this.metrics.judgedAttempts.inc(
        { model, dimension, solved: String(solved) },
        solved === (row.passed === true) ? 1 : 0,
      );
  }

  private experienceOf(
    { task, context, embedding }: Background,
    row: AttemptRow,
    simulated: boolean,
  ): NewExperience {
    return {
      tenantId: task.tenant_id,
      taskKey: task.id,
      attempt: row.attempt,
      dimension: context.dimension,
      language: context.language,
      source: task.source,
      model: row.model,
      score: row.score ?? 0,
      solved: row.passed === true,
      // One call of unknown cost makes the whole unknown (must 5).
      costUsd: row.unknown_calls > 0 ? null : row.cost_usd,
      latencyMs: row.latency_ms,
      embedding,
      embedder: this.embedder.id,
      simulated,
    };
  }
}

/** A check that was refused or could not tell says nothing about the model. */
const isConclusive = (row: AttemptRow): boolean =>
  row.score !== null && row.verdict?.['conclusive'] !== false;
