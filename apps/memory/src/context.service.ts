import type { Database } from '@acrouter/db/client';
import { contextsStep, type NewContext } from '@acrouter/db/context-store';
import { enqueue, marksOf, type OutboxRow } from '@acrouter/db/outbox-store';
import { tasksToRecall, type RecallTask } from '@acrouter/db/recall-reads';
import { inferDimension, inferLanguage, knownLanguage } from '@acrouter/domain/inference';
import { isDimension } from '@acrouter/domain/task';
import type { Embedder } from '@acrouter/embedding/embedder';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { IndexFollower } from './index-follower';
import { MemoryIndex, type Question } from './memory-index';
import { EMBEDDER } from './tokens';

/** What came of one recall; `context: null` = the task had one already. */
interface Recalled {
  task: RecallTask;
  context: NewContext | null;
}

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

  /** Reads of concurrent recalls, together. */
  private readonly reads = new Grouped((ids: readonly string[]) => this.read(ids));
  /** Searches of concurrent recalls, together. */
  private readonly recalls = new Grouped(
    (questions: readonly Question[]) => Promise.resolve(this.index.recall(questions)),
    { gapMs: 0, maxItems: 64 },
  );
  /** Writes of concurrent recalls, in one statement. */
  private readonly writes = new Grouped((recalls: readonly Recalled[]) => this.write(recalls), {
    keyOf: (r) => r.task.id,
  });

  /**
   * Stores the task's context and returns the message for the orchestrator, to be published. A repetition
   * stores nothing, and gives the message again, since the first may be what was lost.
   */
  async recall(taskId: string, waitMs: number, signal?: AbortSignal): Promise<OutboxRow[]> {
    const startedMs = performance.now();
    const task = await this.reads.do(taskId);
    // Deleted or settled in the meantime: nobody waits for an answer.
    if (!task || task.settled_at) return [];
    const found = task.known ? null : await this.contextOf(task, signal);
    const workMs = performance.now() - startedMs;
    if (found) this.metrics.stageDuration.observe({ stage: 'recall' }, workMs / 1000);
    return [await this.writes.do({ task, context: found && { ...found, waitMs, workMs } })];
  }

  private async read(ids: readonly string[]): Promise<(RecallTask | undefined)[]> {
    const tasks = await tasksToRecall(this.db, ids);
    return ids.map((id) => tasks.get(id));
  }

  private write(recalls: readonly Recalled[]): Promise<OutboxRow[]> {
    const fresh = recalls.flatMap((r) => r.context ?? []);
    const messages = recalls.map(({ task }) => ({
      queue: 'decide' as const,
      message: { kind: 'context-ready' as const, taskId: task.id },
      ...marksOf(task),
    }));
    return enqueue(this.db, messages, [contextsStep(fresh)]);
  }

  private async contextOf(task: RecallTask, signal?: AbortSignal): Promise<NewContext> {
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
      neighbours: await this.recalls.do({ tenantId: task.tenant_id, taskId: task.id, vector: embedding }),
    };
  }
}

/** One name per language, so that statistics do not split over `py`, `Python` and `python3`. */
function languageOf(task: RecallTask): string {
  if (!task.language) return inferLanguage(task.prompt);
  return knownLanguage(task.language) ?? task.language.trim().toLowerCase();
}
