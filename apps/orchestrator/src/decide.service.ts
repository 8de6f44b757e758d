import type { DecideMessage } from '@acrouter/contracts/messages';
import { attemptsOf } from '@acrouter/db/attempt-store';
import type { Database, Executor } from '@acrouter/db/client';
import { loadContext } from '@acrouter/db/context-store';
import { coolingModels } from '@acrouter/db/health-store';
import { budgetLeft } from '@acrouter/db/ledger-store';
import type { OutboxRow } from '@acrouter/db/outbox-store';
import { lockTask, type LockedTask } from '@acrouter/db/task-store';
import { step, type LoopCommand, type LoopEvent } from '@acrouter/domain/loop';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { CommandWriter } from './command-writer';
import { eventOf } from './loop-event';
import { plan, type Plan } from './planner';
import { PolicyBook } from './policy-book';

/** What a handled message led to; published after the commit. */
export interface Handled {
  outbox: OutboxRow[];
  /** Set when a running call must be stopped. */
  cancelTaskId: string | null;
}

const NOTHING: Handled = { outbox: [], cancelTaskId: null };

/**
 * One transaction per message: lock the task, turn the message into an event, step the loop, decide when it
 * asks for a decision, write state and commands together. Only this changes a task's state (must 3).
 */
@Injectable()
export class DecideService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly policies: PolicyBook,
    private readonly writer: CommandWriter,
  ) {}

  /** Repeating a message changes nothing: the event no longer fits the state. */
  async handle(message: DecideMessage, waitMs: number): Promise<Handled> {
    return this.db.transaction().execute(async (trx) => {
      const task = await lockTask(trx, message.taskId);
      if (!task || task.settled_at) return NOTHING;
      const event = await eventOf(trx, message, task);
      if (!event) return NOTHING;
      return this.advance(trx, task, event, waitMs);
    });
  }

  private async advance(trx: Executor, task: LockedTask, event: LoopEvent, waitMs: number): Promise<Handled> {
    const startedMs = performance.now();
    let { state, commands } = step(task.state, event, Date.now());
    if (state === task.state && commands.length === 0) return NOTHING;
    const done: LoopCommand[] = [];
    let planned: Plan | null = null;
    for (let decide = commands.find(isDecide); decide; decide = commands.find(isDecide)) {
      done.push(...commands.filter((c) => c !== decide));
      planned = await this.plan(trx, { ...task, state });
      ({ state, commands } = await this.writer.decide(trx, { ...task, state }, decide.turn, planned));
    }
    done.push(...commands);
    const workMs = performance.now() - startedMs;
    return this.writer.write(trx, task, { state, commands: done, event, planned, waitMs, workMs });
  }

  private async plan(trx: Executor, task: LockedTask): Promise<Plan> {
    const context = await loadContext(trx, task.id);
    if (!context) throw new Error(`Task ${task.id} is to be decided and has no context`);
    const input = {
      task,
      context,
      attempts: task.state.attempts.length > 0 ? await attemptsOf(trx, task.id) : [],
      models: this.policies.models,
      coolingUntilMs: await coolingModels(trx),
      budgetLeftUsd: await budgetLeft(trx, { taskId: task.id, runId: task.run_id, tenantId: task.tenant_id }),
      attemptPrice: this.policies.attemptPrice,
      nowMs: Date.now(),
    };
    return plan(input, this.policies.of(task.tenant_id), this.policies.random(task.id, task.state.turn));
  }
}

const isDecide = (c: LoopCommand): c is Extract<LoopCommand, { type: 'decide' }> => c.type === 'decide';
