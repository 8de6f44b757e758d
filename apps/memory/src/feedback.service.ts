import type { Database } from '@acrouter/db/client';
import {
  insertLessons,
  recordAttempts,
  tasksToCommit,
  type AttemptKey,
  type CommitTask,
  type Lesson,
  type RecordedAttempt,
} from '@acrouter/db/commit-store';
import { vectorToBytes } from '@acrouter/db/context-store';
import { feedbackStep } from '@acrouter/db/feedback-store';
import { enqueue, marksOf, type OutboxRow } from '@acrouter/db/outbox-store';
import { loadTask } from '@acrouter/db/task-store';
import type { Embedder } from '@acrouter/embedding/embedder';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { EMBEDDER } from './tokens';

/** One verdict to be learnt from. */
interface Commit extends AttemptKey {
  task: CommitTask;
  /** The task's vector in this process's space; `null` = its context's is. */
  embedding: Buffer | null;
  waitMs: number;
  workMs: number;
}

/** A commit that is to be learnt from. */
type Fresh = Commit & { row: RecordedAttempt };

/** Commits the verifier's word on attempts: feedback, experience, statistics and the next message, or none. */
@Injectable()
export class FeedbackService {
  private readonly reads = new Grouped((ids: readonly string[]) => this.read(ids));
  private readonly writes = new Grouped((commits: readonly Commit[]) => this.write(commits), {
    keyOf: (c) => c.taskId,
  });

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
    const task = await this.reads.do(taskId);
    if (!task) return [];
    const embedding = await this.newEmbedding(task, signal);
    const workMs = performance.now() - startedMs;
    const row = await this.writes.do({ taskId, attempt, task, embedding, waitMs, workMs });
    return row ? [row] : [];
  }

  private async read(ids: readonly string[]): Promise<(CommitTask | undefined)[]> {
    const tasks = await tasksToCommit(this.db, ids);
    return ids.map((id) => tasks.get(id));
  }

  /** Wanted when the embedder was changed between the task's context and its feedback. */
  private async newEmbedding(task: CommitTask, signal?: AbortSignal): Promise<Buffer | null> {
    if (task.embedder === this.embedder.id) return null;
    const { prompt } = (await loadTask(this.db, task.id)) ?? { prompt: '' };
    return vectorToBytes(await this.embedder.embed(prompt, signal));
  }

  private async write(commits: readonly Commit[]): Promise<(OutboxRow | null)[]> {
    const { rows, learnt } = await this.db.transaction().execute(async (trx) => {
      const recorded = new Map((await recordAttempts(trx, commits)).map((r) => [r.taskId, r]));
      const told = commits.filter((c) => recorded.has(c.taskId));
      const fresh = freshOf(told, recorded);
      const outbox = await enqueue(trx, told.map(messageOf), [feedbackStep(fresh.map(feedbackOf))]);
      await insertLessons(trx, this.lessonsOf(fresh));
      return { rows: new Map(told.map((c, i) => [c, outbox[i] ?? null])), learnt: fresh };
    });
    for (const one of learnt) this.count(one);
    return commits.map((c) => rows.get(c) ?? null);
  }

  private lessonsOf(fresh: readonly Fresh[]): Lesson[] {
    const { id: embedder } = this.embedder;
    return fresh
      .filter(({ row }) => isConclusive(row))
      .map(({ taskId, attempt, embedding, row: { simulated } }) => ({
        taskId,
        attempt,
        simulated,
        embedder,
        embedding,
      }));
  }

  private count({ task: { dimension }, row, workMs }: Fresh): void {
    this.metrics.stageDuration.observe({ stage: 'commit' }, workMs / 1000);
    if (!isConclusive(row)) return;
    const model = this.metrics.modelLabel(row.model);
    // Both series at once: the share of a model that never failed, or never succeeded, is a number too.
    for (const solved of [true, false])
      this.metrics.judgedAttempts.inc(
        { model, dimension, solved: String(solved) },
        solved === (row.passed === true) ? 1 : 0,
      );
  }
}

/** Those commits that are the first of their attempt. */
function freshOf(commits: readonly Commit[], recorded: ReadonlyMap<string, RecordedAttempt>): Fresh[] {
  return commits.flatMap((commit) => {
    const row = recorded.get(commit.taskId);
    return row?.fresh ? [{ ...commit, row }] : [];
  });
}

const feedbackOf = ({ task: { tenantId }, taskId, attempt, row }: Fresh) => ({
  tenantId,
  taskId,
  attempt,
  score: row.score ?? 0,
  passed: row.passed === true,
  conclusive: isConclusive(row),
});

const messageOf = ({ taskId, attempt, task }: Commit) => ({
  queue: 'decide' as const,
  message: { kind: 'attempt-finished' as const, taskId, attempt },
  ...marksOf(task),
});

/** A check that was refused or could not tell says nothing about the model. */
const isConclusive = (row: Pick<RecordedAttempt, 'score' | 'verdict'>): boolean =>
  row.score !== null && row.verdict?.['conclusive'] !== false;
