import type { AcceptedTask, SubmitRun } from '@acrouter/contracts/http';
import { tellQueued } from '@acrouter/db/admission-store';
import type { Executor } from '@acrouter/db/client';
import { insertEvents } from '@acrouter/db/event-store';
import { growRun, insertRun, takenExternalIds } from '@acrouter/db/run-store';
import { insertTasks, type NewTask } from '@acrouter/db/task-store';
import { AcrError } from '@acrouter/domain/errors';
import { Injectable } from '@nestjs/common';
import type { Done } from './idempotent.service';
import { Backlog } from './backlog.service';
import { invalid, notFound } from './parse';

/** Accepts work: everything of one request is stored in the caller's transaction, or nothing is. */
@Injectable()
export class SubmissionsService {
  constructor(private readonly backlog: Backlog) {}

  /** Tasks of no run. A submission of a single task, not of a list, is answered with the task itself. */
  async submitTasks(trx: Executor, tasks: readonly NewTask[], single: boolean): Promise<Done> {
    await this.backlog.claim(trx, tasks[0]?.tenantId ?? '', tasks.length);
    await accept(trx, tasks);
    const accepted = tasks.map(toAccepted);
    return { statusCode: 202, body: single && accepted[0] ? accepted[0] : { tasks: accepted } };
  }

  /** A new run, with the first of its tasks or none. */
  async submitRun(
    trx: Executor,
    tenantId: string,
    runId: string,
    run: Omit<SubmitRun, 'tasks'>,
    tasks: readonly NewTask[],
  ): Promise<Done> {
    await this.backlog.claim(trx, tenantId, tasks.length);
    await insertRun(trx, {
      id: runId,
      tenantId,
      name: run.name ?? null,
      maxCostUsd: run.maxCostUsd ?? null,
      expectedTasks: run.expectedTasks ?? null,
      metadata: run.metadata ?? {},
      priority: run.priority,
    });
    return this.grow(trx, tenantId, runId, tasks);
  }

  /**
   * More tasks for a run.
   * @throws AcrError ACR_BACKLOG_FULL, ACR_NOT_FOUND, ACR_RUN_CANCELLED, ACR_INVALID_REQUEST for external ids that the run has already.
   */
  async addToRun(trx: Executor, tenantId: string, runId: string, tasks: readonly NewTask[]): Promise<Done> {
    // Before the run is locked: everybody takes the two locks in this order.
    await this.backlog.claim(trx, tenantId, tasks.length);
    return this.grow(trx, tenantId, runId, tasks);
  }

  private async grow(
    trx: Executor,
    tenantId: string,
    runId: string,
    tasks: readonly NewTask[],
  ): Promise<Done> {
    const run = await growRun(trx, tenantId, runId, tasks.length);
    if (run === 'missing') throw notFound('run');
    if (run === 'cancelled')
      throw new AcrError(
        'ACR_RUN_CANCELLED',
        'The run was cancelled and takes no more tasks. Start a new run.',
      );
    await refuseKnownNames(trx, runId, tasks);
    await accept(
      trx,
      tasks.map((t) => ({ ...t, priority: t.priority ?? run.priority })),
    );
    const body = { id: runId, name: run.name, taskCount: run.taskCount, tasks: tasks.map(toAccepted) };
    return { statusCode: 202, body };
  }
}

/** Stores tasks, tells of them, and has the orchestrator let them into the loop once the transaction is committed. */
async function accept(trx: Executor, tasks: readonly NewTask[]): Promise<void> {
  await insertTasks(trx, tasks);
  await insertEvents(
    trx,
    tasks.map((t) => ({
      tenantId: t.tenantId,
      runId: t.runId,
      taskId: t.id,
      type: 'task.accepted',
      data: { externalId: t.externalId },
    })),
  );
  if (tasks.length > 0) await tellQueued(trx);
}

async function refuseKnownNames(trx: Executor, runId: string, tasks: readonly NewTask[]): Promise<void> {
  const names = tasks.flatMap((t) => (t.externalId === null ? [] : [t.externalId]));
  const taken = new Set(await takenExternalIds(trx, runId, names));
  const mistakes = tasks.flatMap((t, i) =>
    t.externalId !== null && taken.has(t.externalId)
      ? [{ path: `tasks[${i}].id`, message: 'is in this run already; give each task of a run its own id' }]
      : [],
  );
  if (mistakes.length > 0) throw invalid('body', mistakes);
}

function toAccepted(task: NewTask): AcceptedTask {
  return { id: task.id, externalId: task.externalId, runId: task.runId, status: 'queued' };
}
