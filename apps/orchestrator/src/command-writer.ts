import { abandonAttempt, attemptsStep } from '@acrouter/db/attempt-store';
import type { Payer } from '@acrouter/db/budget-moves';
import type { Executor } from '@acrouter/db/client';
import { decisionsStep, type NewDecision } from '@acrouter/db/decision-store';
import { eventsStep, type NewEvent } from '@acrouter/db/event-store';
import { releaseUnsent, reserveCalls } from '@acrouter/db/ledger-group-store';
import type { NewCall } from '@acrouter/db/ledger-store';
import { enqueue, marksOf, type OutgoingMessage } from '@acrouter/db/outbox-store';
import { saveStates, type LockedTask } from '@acrouter/db/state-store';
import {
  step,
  type Choice,
  type LoopCommand,
  type LoopEvent,
  type LoopState,
  type Step,
} from '@acrouter/domain/loop';
import { OUTCOMES, type Outcome } from '@acrouter/domain/task';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { Injectable, Optional } from '@nestjs/common';
import type { BudgetBook } from './budget-book';
import type { Handled } from './decide.service';
import type { Plan } from './planner';
import { PolicyBook } from './policy-book';

/** One decision of a turn, and the loop after it. */
export interface Decided {
  step: Step;
  decision: NewDecision;
  /** The reserved call; `null` when nothing is to be called. */
  call: NewCall | null;
}

/** What one message did to its task, to be written. */
export interface Advance {
  task: LockedTask;
  event: LoopEvent;
  /** After all steps. */
  state: LoopState;
  /** What is to be carried out; decisions are made already. */
  commands: LoopCommand[];
  decisions: Decided[];
  /** The last plan, `null` when no decision was asked for. */
  planned: Plan | null;
  waitMs: number;
  workMs: number;
}

/** Whose budgets a task draws on. */
export const payerOf = (task: LockedTask): Payer => ({
  taskId: task.id,
  runId: task.run_id,
  tenantId: task.tenant_id,
});

/** Turns the loop's commands into rows of the same transaction. */
@Injectable()
export class CommandWriter {
  constructor(
    private readonly policies: PolicyBook,
    private readonly metrics: Metrics,
    @Optional() private readonly tracing: Tracing = new Tracing({ service: 'orchestrator' }),
  ) {
    for (const outcome of OUTCOMES) metrics.tasks.inc({ outcome }, 0);
  }

  /**
   * Reserves the planned call in `budgets` and steps the loop with the decision. A reservation that another task
   * has just made impossible turns the decision into a stop.
   */
  decide(task: LockedTask, turn: number, planned: Plan, budgets: BudgetBook): Decided {
    const attempt = task.state.attempts.length + 1;
    const call = callOf(task, attempt, planned);
    const fits = call === null || budgets.reserve(payerOf(task), call.reserveUsd);
    const choice = fits ? choiceOf(planned) : OVER_BUDGET;
    const next = step(task.state, { type: 'decided', turn, choice }, Date.now());
    const started = next.commands.some((c) => c.type === 'execute');
    const policy = this.policies.of(task.tenant_id);
    const drawn = started && planned.action === 'attempt' ? planned : null;
    const decision = {
      taskId: task.id,
      turn,
      action: choice.action,
      attempt: started ? attempt : null,
      model: drawn?.model.id ?? null,
      probability: drawn?.decision.probability ?? null,
      explored: drawn?.decision.explored ?? false,
      policy: policy.name,
      policyVersion: policy.version,
      reason: reasonOf(planned, choice),
      candidates: planned.action !== 'wait' && planned.decision ? planned.decision.candidates : [],
      attemptsLeft: planned.input.attemptsLeft,
      budgetLeftUsd: planned.input.budgetLeftUsd,
      costWeight: planned.input.costWeight,
      decideMs: planned.decideMs,
    };
    return { step: next, decision, call: fits ? call : null };
  }

  /** Writes states, commands, events and timings of all; returns what follows, by task. */
  async write(trx: Executor, advances: readonly Advance[]): Promise<Map<string, Handled>> {
    if (advances.length === 0) return new Map();
    const decided = advances.flatMap((a) => a.decisions);
    await saveStates(
      trx,
      advances.map(({ task, state }) => ({ id: task.id, version: task.state_version, state })),
    );
    for (const { taskId, attempt } of commandsOf(advances, 'abandon'))
      await abandonAttempt(trx, taskId, attempt);
    const messages = advances.flatMap(messagesOf);
    const outbox = await enqueue(trx, messages, [
      decisionsStep(advances.flatMap(timedDecisions)),
      attemptsStep(commandsOf(advances, 'execute')),
      eventsStep(advances.flatMap(eventsOf)),
    ]);
    // The budgets last: every other group wants the same rows.
    await reserveCalls(
      trx,
      decided.flatMap((d) => d.call ?? []),
    );
    await releaseUnsent(
      trx,
      commandsOf(advances, 'settle').map((c) => c.taskId),
    );
    const outboxOf = Map.groupBy(outbox, (row) => row.payload['taskId']);
    return new Map(
      advances.map(({ task, commands }) => [
        task.id,
        {
          outbox: outboxOf.get(task.id) ?? [],
          cancelTaskId: commands.some((c) => c.type === 'abandon') ? task.id : null,
        },
      ]),
    );
  }

  /** The whole task as the span above all its hops: they carry its id as their parent. */
  private trace(task: LockedTask, outcome: Outcome): void {
    this.tracing.record({
      name: 'task',
      self: task.traceparent ?? undefined,
      startMs: task.created_at.getTime(),
      endMs: Date.now(),
      attributes: { 'acrouter.task.id': task.id, 'acrouter.outcome': outcome },
    });
  }

  /** Counts and traces what was done, after the commit. */
  count(w: Advance): void {
    const { task } = w;
    for (const c of w.commands)
      if (c.type === 'settle') {
        this.metrics.tasks.inc({ outcome: c.outcome });
        this.trace(task, c.outcome);
      }
    if (w.planned) this.metrics.stageDuration.observe({ stage: 'decide' }, w.workMs / 1000);
    if (w.planned?.action !== 'attempt') return;
    const { decision, input, model, decideMs } = w.planned;
    this.metrics.decisionDuration.observe(decideMs / 1000);
    this.metrics.decisions.inc({
      model: this.metrics.modelLabel(model.id),
      dimension: input.context.dimension,
      explored: String(decision.explored),
    });
    if (input.tried.length > 0) this.metrics.escalations.inc();
  }
}

/** The commands of one kind, with their tasks. */
function commandsOf<T extends LoopCommand['type']>(advances: readonly Advance[], type: T) {
  return advances.flatMap(({ task, commands }) =>
    commands
      .filter((c): c is Extract<LoopCommand, { type: T }> => c.type === type)
      .map((c) => ({ ...c, taskId: task.id })),
  );
}

function messagesOf({ task, commands }: Advance): OutgoingMessage[] {
  const taskId = task.id;
  const marks = marksOf(task);
  return commands.flatMap((command): OutgoingMessage[] => {
    switch (command.type) {
      case 'recall':
        return [{ queue: 'context', message: { taskId }, ...marks }];
      case 'execute': {
        const { attempt, model } = command;
        return [{ queue: 'execute', key: model, message: { taskId, attempt, model }, ...marks }];
      }
      case 'wake': {
        const message = { kind: 'wake' as const, taskId, turn: command.turn };
        return [{ queue: 'decide', message, delayMs: command.delayMs, ...marks }];
      }
      case 'abandon':
      case 'settle':
        return [];
      case 'decide':
        throw new Error('A decision is made before its step is written');
    }
  });
}

const timedDecisions = ({ decisions, waitMs, workMs }: Advance): NewDecision[] =>
  decisions.map(({ decision }, i) =>
    i === decisions.length - 1 ? { ...decision, timing: { waitMs, workMs } } : decision,
  );

function callOf(task: LockedTask, attempt: number, planned: Plan): NewCall | null {
  if (planned.action !== 'attempt') return null;
  const { model, reserveUsd } = planned;
  const { price, simulated } = model;
  return { ...payerOf(task), attempt, call: 1, model: model.id, reserveUsd, price, simulated };
}

const OVER_BUDGET: Choice = { action: 'stop', because: 'over-budget' };

function choiceOf(planned: Plan): Choice {
  switch (planned.action) {
    case 'attempt':
      return { action: 'attempt', model: planned.model.id, reserveUsd: planned.reserveUsd };
    case 'wait':
      return { action: 'wait', delayMs: planned.delayMs };
    case 'stop':
      return { action: 'stop', because: planned.because };
  }
}

function reasonOf(planned: Plan, choice: Choice): string {
  if (planned.action !== 'attempt') return planned.reason;
  return choice === OVER_BUDGET
    ? 'other tasks of the same budget reserved what was left'
    : planned.decision.reason;
}

function eventsOf(w: Advance): NewEvent[] {
  const { task } = w;
  const base = { tenantId: task.tenant_id, runId: task.run_id, taskId: task.id };
  const named = { externalId: task.external_id };
  const events: NewEvent[] = [];
  if (w.event.type === 'attempt-finished')
    events.push({
      ...base,
      type: 'task.attempt-finished',
      data: {
        ...named,
        attempt: w.event.attempt,
        model: task.state.attempts[w.event.attempt - 1]?.model,
        ...w.event.result,
      },
    });
  for (const c of w.commands) {
    if (c.type === 'execute')
      events.push({
        ...base,
        type: 'task.decided',
        data: { ...named, attempt: c.attempt, model: c.model, turn: w.state.turn },
      });
    if (c.type === 'settle')
      events.push({
        ...base,
        type: 'task.settled',
        data: { ...named, outcome: c.outcome, finalAttempt: c.finalAttempt },
      });
  }
  return events;
}
