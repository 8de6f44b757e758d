import type { Database } from '@acrouter/db/client';
import { loadContext, storeContext, type NewContext } from '@acrouter/db/context-store';
import { enqueue, type OutboxRow } from '@acrouter/db/outbox-store';
import { recordStage } from '@acrouter/db/stage-store';
import { loadTask, type TaskRow } from '@acrouter/db/task-store';
import { inferDimension, inferLanguage, knownLanguage } from '@acrouter/domain/inference';
import { isDimension } from '@acrouter/domain/task';
import type { Embedder } from '@acrouter/embedding/embedder';
import { DATABASE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { IndexFollower } from './index-follower';
import { MemoryIndex } from './memory-index';
import { EMBEDDER } from './tokens';

/** Says what a task is and what is remembered of tasks like it; once per task. */
@Injectable()
export class ContextService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(EMBEDDER) private readonly embedder: Embedder,
    private readonly index: MemoryIndex,
    private readonly follower: IndexFollower,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Stores the task's context and returns the message for the orchestrator, to be published. A repetition
   * stores nothing, and gives the message again, since the first may be what was lost.
   */
  async recall(taskId: string, waitMs: number, signal?: AbortSignal): Promise<OutboxRow[]> {
    const startedMs = performance.now();
    const [task, known] = await Promise.all([loadTask(this.db, taskId), loadContext(this.db, taskId)]);
    // Deleted or settled in the meantime: nobody waits for an answer.
    if (!task || task.settled_at) return [];
    const context = known ? null : await this.contextOf(task, signal);
    return this.db.transaction().execute(async (trx) => {
      if (context) {
        await storeContext(trx, context);
        const workMs = performance.now() - startedMs;
        await recordStage(trx, { taskId, turn: 0, stage: 'recall', waitMs, workMs });
        this.metrics.stageDuration.observe({ stage: 'recall' }, workMs / 1000);
      }
      const message = { kind: 'context-ready' as const, taskId };
      return enqueue(trx, [{ queue: 'decide', message, traceparent: task.traceparent }]);
    });
  }

  private async contextOf(task: TaskRow, signal?: AbortSignal): Promise<NewContext> {
    await this.follower.filled();
    const embedding = await this.embedder.embed(task.prompt, signal);
    const language = languageOf(task);
    const given = isDimension(task.dimension) ? task.dimension : null;
    return {
      taskId: task.id,
      dimension: given ?? inferDimension(task.prompt, language),
      language,
      dimensionBy: given ? 'given' : 'inferred',
      embedding,
      embedder: this.embedder.id,
      neighbours: this.index.recall(task.tenant_id, task.id, embedding),
    };
  }
}

/** One name per language, so that statistics do not split over `py`, `Python` and `python3`. */
function languageOf(task: TaskRow): string {
  if (!task.language) return inferLanguage(task.prompt);
  return knownLanguage(task.language) ?? task.language.trim().toLowerCase();
}
