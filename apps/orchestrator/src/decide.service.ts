import type { DecideMessage } from '@acrouter/contracts/messages';
import { refusalsOf } from '@acrouter/db/attempt-store';
import { lockBudgets } from '@acrouter/db/budget-moves';
import type { Database, Executor } from '@acrouter/db/client';
import { loadContexts, type Recalled } from '@acrouter/db/context-store';
import { coolingModels } from '@acrouter/db/health-store';
import type { OutboxRow } from '@acrouter/db/outbox-store';
import { lockTasks, type LockedTask } from '@acrouter/db/state-store';
import { step, type LoopCommand, type LoopEvent, type LoopState } from '@acrouter/domain/loop';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { BudgetBook } from './budget-book';
import { CommandWriter, payerOf, type Advance } from './command-writer';
import { eventsOf } from './loop-event';
import { plan, type Plan } from './planner';
import { PolicyBook } from './policy-book';

/** What a handled message led to; published after the commit. */
export interface Handled {
  outbox: OutboxRow[];
  /** Set when a running call must be stopped. */
  cancelTaskId: string | null;
}

const NOTHING: Handled = { outbox: [], cancelTaskId: null };

/** A message and how long it waited, ms. */
interface Inbox {
  message: DecideMessage;
  waitMs: number;
}

/** A task whose state takes a step. */
interface Moving extends Inbox {
  task: LockedTask;
  event: LoopEvent;
  state: LoopState;
  commands: LoopCommand[];
}

/** What decisions depend on besides their task, read once for a group. */
interface Facts {
  contexts: ReadonlyMap<string, Recalled>;
  refusals: ReadonlyMap<string, string[]>;
  coolingUntilMs: ReadonlyMap<string, number>;
  budgets: BudgetBook;
}

/**
 * One transaction for the messages of concurrent jobs, each about another task: lock the tasks, turn the messages
 * into events, step the loops, decide where they ask for a decision, write states and commands together. Only this
 * changes a task's state (must 3).
 */
@Injectable()
export class DecideService {
  private readonly groups = new Grouped((inbox: readonly Inbox[]) => this.handleAll(inbox), {
    keyOf: ({ message }) => message.taskId,
  });

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly policies: PolicyBook,
    private readonly writer: CommandWriter,
  ) {}

  /** Repeating a message changes nothing: the event no longer fits the state. */
  handle(message: DecideMessage, waitMs: number): Promise<Handled> {
    return this.groups.do({ message, waitMs });
  }

  private async handleAll(inbox: readonly Inbox[]): Promise<Handled[]> {
    const { advances, handled } = await this.db.transaction().execute(async (trx) => {
      const done = await this.advanceAll(trx, inbox);
      return { advances: done, handled: await this.writer.write(trx, done) };
    });
    for (const advance of advances) this.writer.count(advance);
    return inbox.map(({ message }) => handled.get(message.taskId) ?? NOTHING);
  }

  private async advanceAll(trx: Executor, inbox: readonly Inbox[]): Promise<Advance[]> {
    const startedMs = performance.now();
    const tasks = await lockTasks(
      trx,
      inbox.map((i) => i.message.taskId),
    );
    const open = inbox.flatMap((i) => {
      const task = tasks.get(i.message.taskId);
      return task && !task.settled_at ? [{ ...i, task }] : [];
    });
    if (open.length === 0) return [];
    const contexts = await loadContexts(
      trx,
      open.filter((o) => o.message.kind === 'context-ready').map((o) => o.task.id),
    );
    const moving = firstSteps(
      open,
      await eventsOf(
        trx,
        open.map((o) => o.message),
        contexts,
      ),
    );
    const facts = await this.factsFor(trx, moving, contexts);
    const readMs = performance.now() - startedMs;
    return moving.map((m) => this.advance(m, facts, readMs));
  }

  /** Reads what decisions need, for the tasks that ask for one. */
  private async factsFor(
    trx: Executor,
    moving: readonly Moving[],
    known: ReadonlyMap<string, Recalled>,
  ): Promise<Facts> {
    const deciding = moving.filter((m) => m.commands.some(isDecide)).map((m) => m.task);
    if (deciding.length === 0)
      return { contexts: known, refusals: new Map(), coolingUntilMs: new Map(), budgets: new BudgetBook([]) };
    const missing = deciding.map((t) => t.id).filter((id) => !known.has(id));
    const again = deciding.filter((t) => t.state.attempts.length > 0).map((t) => t.id);
    return {
      contexts: new Map([...known, ...(await loadContexts(trx, missing))]),
      refusals: again.length > 0 ? await refusalsOf(trx, again) : new Map<string, string[]>(),
      coolingUntilMs: await coolingModels(trx),
      budgets: new BudgetBook(await lockBudgets(trx, deciding.map(payerOf))),
    };
  }

  /** Steps one task until it asks for no further decision. */
  private advance(moving: Moving, facts: Facts, readMs: number): Advance {
    const startedMs = performance.now();
    const { task, event, waitMs } = moving;
    let { state, commands } = moving;
    const advance: Advance = {
      task,
      event,
      waitMs,
      state,
      commands: [],
      decisions: [],
      planned: null,
      workMs: 0,
    };
    for (let decide = commands.find(isDecide); decide; decide = commands.find(isDecide)) {
      advance.commands.push(...commands.filter((c) => c !== decide));
      const planned = this.plan({ ...task, state }, facts);
      const decided = this.writer.decide({ ...task, state }, decide.turn, planned, facts.budgets);
      advance.planned = planned;
      advance.decisions.push(decided);
      ({ state, commands } = decided.step);
    }
    advance.commands.push(...commands);
    return { ...advance, state, workMs: readMs + performance.now() - startedMs };
  }

  private plan(task: LockedTask, facts: Facts): Plan {
    const context = facts.contexts.get(task.id);
    if (!context) throw new Error(`Task ${task.id} is to be decided and has no context`);
    const input = {
      task,
      context,
      refusedBy: facts.refusals.get(task.id) ?? [],
      models: this.policies.models,
      coolingUntilMs: facts.coolingUntilMs,
      budgetLeftUsd: facts.budgets.left(payerOf(task)),
      attemptPrice: this.policies.attemptPrice,
      nowMs: Date.now(),
    };
    return plan(input, this.policies.of(task.tenant_id), this.policies.random(task.id, task.state.turn));
  }
}

/** The first step of every task that its event moves; the others' messages change nothing. */
function firstSteps(
  open: readonly (Inbox & { task: LockedTask })[],
  events: readonly (LoopEvent | null)[],
): Moving[] {
  return open.flatMap((o, i) => {
    const event = events[i];
    if (!event) return [];
    const { state, commands } = step(o.task.state, event, Date.now());
    return state === o.task.state && commands.length === 0 ? [] : [{ ...o, event, state, commands }];
  });
}

const isDecide = (c: LoopCommand): c is Extract<LoopCommand, { type: 'decide' }> => c.type === 'decide';
