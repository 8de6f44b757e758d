import { abandonAttempt, insertAttempt } from '@acrouter/db/attempt-store';
import type { Executor } from '@acrouter/db/client';
import { insertDecision } from '@acrouter/db/decision-store';
import { insertEvents, type NewEvent } from '@acrouter/db/event-store';
import { releaseUnsent, reserveCall } from '@acrouter/db/ledger-store';
import { enqueue, type OutgoingMessage } from '@acrouter/db/outbox-store';
import { recordStage } from '@acrouter/db/stage-store';
import { saveState, type LockedTask } from '@acrouter/db/task-store';
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
import type { Handled } from './decide.service';
import type { Plan } from './planner';
import { PolicyBook } from './policy-book';

/** One step's result, to be written. */
export interface Written {
  state: LoopState;
  commands: LoopCommand[];
  event: LoopEvent;
  planned: Plan | null;
  waitMs: number;
  workMs: number;
}

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
   * Reserves the planned call, steps the loop with the decision, and stores the decision. A reservation that
   * a parallel task has just made impossible turns the decision into a stop.
   */
  async decide(trx: Executor, task: LockedTask, turn: number, planned: Plan): Promise<Step> {
    const attempt = task.state.attempts.length + 1;
    const choice = (await this.reserve(trx, task, attempt, planned)) ? choiceOf(planned) : OVER_BUDGET;
    const next = step(task.state, { type: 'decided', turn, choice }, Date.now());
    const started = next.commands.some((c) => c.type === 'execute');
    const policy = this.policies.of(task.tenant_id);
    await insertDecision(trx, {
      taskId: task.id,
      turn,
      action: choice.action,
      attempt: started ? attempt : null,
      model: started && planned.action === 'attempt' ? planned.model.id : null,
      probability: started && planned.action === 'attempt' ? planned.decision.probability : null,
      explored: started && planned.action === 'attempt' && planned.decision.explored,
      policy: policy.name,
      policyVersion: policy.version,
      reason: reasonOf(planned, choice),
      candidates: planned.action !== 'wait' && planned.decision ? planned.decision.candidates : [],
      neighbours: [...planned.input.neighbours],
      attemptsLeft: planned.input.attemptsLeft,
      budgetLeftUsd: planned.input.budgetLeftUsd,
      costWeight: planned.input.costWeight,
      decideMs: planned.decideMs,
    });
    return next;
  }

  /** Writes state, commands, events and the stage's timing. */
  async write(trx: Executor, task: LockedTask, w: Written): Promise<Handled> {
    await saveState(trx, task.id, task.state_version, w.state);
    const messages: OutgoingMessage[] = [];
    let cancelTaskId: string | null = null;
    for (const command of w.commands) {
      const message = await this.carryOut(trx, task, command);
      if (message) messages.push(message);
      if (command.type === 'abandon') cancelTaskId = task.id;
    }
    await insertEvents(trx, eventsOf(task, w));
    if (w.planned)
      await recordStage(trx, {
        taskId: task.id,
        turn: w.state.turn,
        stage: 'decide',
        waitMs: w.waitMs,
        workMs: w.workMs,
      });
    this.count(task, w);
    return { outbox: await enqueue(trx, messages), cancelTaskId };
  }

  private async carryOut(
    trx: Executor,
    task: LockedTask,
    command: LoopCommand,
  ): Promise<OutgoingMessage | null> {
    const { id: taskId, traceparent } = task;
    switch (command.type) {
      case 'recall':
        return { queue: 'context', message: { taskId }, traceparent };
      case 'execute': {
        const { attempt, model } = command;
        await insertAttempt(trx, taskId, attempt, model);
        return { queue: 'execute', key: model, message: { taskId, attempt, model }, traceparent };
      }
      case 'wake':
        return {
          queue: 'decide',
          message: { kind: 'wake', taskId, turn: command.turn },
          delayMs: command.delayMs,
          traceparent,
        };
      case 'abandon':
        await abandonAttempt(trx, taskId, command.attempt);
        return null;
      case 'settle':
        await releaseUnsent(trx, taskId);
        return null;
      case 'decide':
        throw new Error('A decision is made before its step is written');
    }
  }

  private reserve(trx: Executor, task: LockedTask, attempt: number, planned: Plan): Promise<boolean> {
    if (planned.action !== 'attempt') return Promise.resolve(true);
    return reserveCall(trx, {
      taskId: task.id,
      attempt,
      call: 1,
      tenantId: task.tenant_id,
      runId: task.run_id,
      model: planned.model.id,
      reserveUsd: planned.reserveUsd,
      price: planned.model.price,
      simulated: planned.model.simulated,
    });
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

  private count(task: LockedTask, w: Written): void {
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

function eventsOf(task: LockedTask, w: Written): NewEvent[] {
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
