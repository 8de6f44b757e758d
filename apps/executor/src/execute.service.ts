import type { Env } from '@acrouter/config/env';
import type { ExecuteMessage } from '@acrouter/contracts/messages';
import { claimAttempts, type Claim, type Claimant } from '@acrouter/db/lease-store';
import type { Database } from '@acrouter/db/client';
import { callsOfAll, markCallsSent } from '@acrouter/db/ledger-group-store';
import { callsOf, reserveCall, type CallKey, type CallLine } from '@acrouter/db/ledger-store';
import { marksOf, type OutboxRow } from '@acrouter/db/outbox-store';
import { loadTasks, type WorkTask } from '@acrouter/db/task-store';
import { worstCaseCost } from '@acrouter/domain/task';
import type { CompletionResult, Failed } from '@acrouter/models/model-client';
import { estimateInputTokens, requestFor } from '@acrouter/models/prompt';
import { MAX_CALLS_PER_ATTEMPT, planRetry } from '@acrouter/models/retry-plan';
import { RetryLater, StopReason, type JobContext } from '@acrouter/queue/handles';
import { Grouped } from '@acrouter/service/grouped';
import { DATABASE, ENV } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AttemptWriter, keyOf, type GivenUp, type Work } from './attempt-writer';
import { CallMeter } from './call-meter';
import { keepLease } from './lease';
import { ModelClients, type CallableModel } from './model-clients';

/** A shorter pause between two calls is waited for in place; a longer one frees the slot. */
const SHORT_PAUSE_MS = 500;

/** What this service needs to know of a delivery. */
export type Delivery = Pick<JobContext, 'signal' | 'waitMs'>;

/** An attempt in hand: its task, its model, and when to stop. */
interface Attempt extends Work {
  task: WorkTask;
  /** Its calls so far, oldest first. */
  lines: readonly CallLine[];
  callable: CallableModel;
  job: AbortSignal;
  leaseLost: AbortSignal;
}

/** What a delivery finds. */
interface Found {
  task: WorkTask | undefined;
  claim: Claim;
  lines: readonly CallLine[];
}

/** How one call ended: the attempt is over with these messages, or another call follows after a pause. */
type CallOutcome = { over: OutboxRow[] } | { pauseMs: number };

/**
 * Carries out one attempt: calls the model under a lease, at most five times, each call reserved and written
 * down before it leaves. Killed anywhere, the next delivery goes on where Postgres says; nothing is called
 * twice at the same time.
 */
@Injectable()
export class ExecuteService {
  private readonly claims = new Grouped((claimants: readonly Claimant[]) => this.claim(claimants), {
    keyOf: (c) => c.taskId,
  });
  private readonly marks = new Grouped((keys: readonly CallKey[]) => markCallsSent(this.db, keys), {
    keyOf: (k) => k.taskId,
  });

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'ACR_LEASE_MS'>,
    private readonly models: ModelClients,
    private readonly writer: AttemptWriter,
    private readonly meter: CallMeter,
  ) {}

  /**
   * Returns the messages to publish.
   * @throws RetryLater while another holds the attempt, or until the next call may be made.
   */
  async execute(message: ExecuteMessage, delivery: Delivery): Promise<OutboxRow[]> {
    const { taskId, attempt, model } = message;
    const lease = { taskId, attempt, token: randomUUID() };
    const { task, claim, lines } = await this.claims.do(lease);
    if (!task) return [];
    if (claim.kind === 'over') return this.writer.pointOn(claim.row, task);
    if (claim.kind === 'held') throw new RetryLater(untilMs(claim.until), 'another executor has the attempt');
    const kept = keepLease(this.db, lease, this.env.ACR_LEASE_MS);
    const marks = marksOf(task);
    const work = { lease, model, marks, waitMs: delivery.waitMs, startedMs: performance.now() };
    try {
      const callable = this.models.get(model);
      const { signal: job } = delivery;
      return await this.carryOut({ ...work, task, lines, callable, job, leaseLost: kept.signal });
    } catch (error) {
      await this.writer.release(lease).catch(() => undefined);
      throw error;
    } finally {
      kept.stop();
    }
  }

  /** Takes the leases of attempts, and reads them and their tasks. Repeating it with the same token is harmless. */
  private async claim(claimants: readonly Claimant[]): Promise<Found[]> {
    const claims = await claimAttempts(this.db, claimants, this.env.ACR_LEASE_MS);
    const [tasks, lines] = await Promise.all([
      loadTasks(
        this.db,
        claimants.map((c) => c.taskId),
      ),
      callsOfAll(this.db, claimants),
    ]);
    return claims.map((claim, i) => {
      const taskId = claimants[i]?.taskId ?? '';
      return { task: tasks.get(taskId), claim, lines: lines.filter((l) => l.task_id === taskId) };
    });
  }

  private async carryOut(a: Attempt): Promise<OutboxRow[]> {
    const { taskId, attempt } = a.lease;
    let { lines } = a;
    await this.writer.closeOrphans(lines);
    for (;;) {
      if (a.job.aborted) return this.stopped(a, null, null);
      if (a.task.settled_at || a.task.cancel_requested_at) {
        await this.writer.cancelled(a.lease, null, null);
        return [];
      }
      const next = await this.nextLine(a, lines);
      if (!('line' in next)) return this.writer.gaveUp(a, next.why, null);
      if (!(await this.marks.do(keyOf(next.line))))
        throw new RetryLater(1_000, 'the call was released or sent by another');
      const outcome = await this.call(a, next.line);
      if ('over' in outcome) return outcome.over;
      if (outcome.pauseMs > SHORT_PAUSE_MS || a.callable.entry.limits.requestsPerMinute !== null)
        throw new RetryLater(outcome.pauseMs, 'the provider failed; the next call comes later');
      await sleep(outcome.pauseMs, undefined, { signal: a.job }).catch(() => undefined);
      lines = await callsOf(this.db, taskId, attempt);
    }
  }

  /** The line of the next call: the one that is reserved already, or a new one within the budgets. */
  private async nextLine(
    a: Attempt,
    lines: readonly CallLine[],
  ): Promise<{ line: CallLine } | { why: GivenUp }> {
    const { taskId, attempt } = a.lease;
    const reserved = lines.find((l) => l.state === 'reserved');
    if (reserved) return { line: reserved };
    const last = lines.at(-1);
    if (lines.length >= MAX_CALLS_PER_ATTEMPT) return { why: outage(last?.error ?? 'every call failed') };
    const call = (last?.call ?? 0) + 1;
    const fits = await this.db.transaction().execute((trx) => {
      const { id, price, provider } = a.callable.entry;
      return reserveCall(trx, {
        taskId,
        attempt,
        call,
        tenantId: a.task.tenant_id,
        runId: a.task.run_id,
        model: id,
        reserveUsd: last?.reserved_usd ?? worstCase(a),
        price,
        simulated: provider === 'simulated',
      });
    });
    if (!fits) return { why: overBudget(call) };
    const line = (await callsOf(this.db, taskId, attempt)).find((l) => l.call === call);
    if (!line) throw new Error(`Call ${call} of task ${taskId}, attempt ${attempt} lost its line`);
    return { line };
  }

  private async call(a: Attempt, line: CallLine): Promise<CallOutcome> {
    const signal = AbortSignal.any([a.job, a.leaseLost]);
    const request = requestOf(a);
    const result: CompletionResult = await a.callable.client.complete(request, signal);
    this.meter.trace(a.callable.entry, request, result);
    this.meter.count(a.model, result, line.price);
    if (result.kind === 'answered') return { over: await this.writer.answered(a, line, result) };
    if (result.failure === 'cancelled') return { over: await this.stopped(a, line, result) };
    const step = planRetry(result, line.call, Math.random);
    if (step.action === 'retry') {
      await this.writer.failed(line, result);
      return { pauseMs: step.delayMs };
    }
    const why =
      result.failure === 'refused' || result.failure === 'auth' ? refused(result) : outage(result.message);
    const last = { line, failure: result, askedMs: step.coolDownMs };
    return { over: await this.writer.gaveUp(a, why, last) };
  }

  /** The delivery was stopped before or during a call: by a user, by the clock, by a shutdown, or by a thief of the lease. */
  private async stopped(a: Attempt, line: CallLine | null, failure: Failed | null): Promise<OutboxRow[]> {
    const reason: unknown = a.job.aborted ? a.job.reason : null;
    if (reason instanceof StopReason && reason.kind === 'cancelled') {
      await this.writer.cancelled(a.lease, line, failure);
      return [];
    }
    if (line && failure) await this.writer.failed(line, failure);
    if (reason === null) return [];
    throw reason;
  }
}

const requestOf = (a: Attempt) => requestFor(a.task, a.callable.entry.limits.maxOutputTokens);

const worstCase = (a: Attempt): number =>
  worstCaseCost(
    estimateInputTokens(requestOf(a)),
    a.callable.entry.limits.maxOutputTokens,
    a.callable.entry.price,
  );

/** Time until a lease ends, ms, with some room for two clocks that differ. */
const untilMs = (until: Date): number => Math.max(0, until.getTime() - Date.now()) + 250;

const outage = (message: string): GivenUp => ({ status: 'outage', code: 'ACR_PROVIDER_OUTAGE', message });
const refused = (failure: Failed): GivenUp => ({
  status: 'outage',
  code: 'ACR_PROVIDER_REFUSED',
  message: failure.message,
});
const overBudget = (call: number): GivenUp => ({
  status: 'over-budget',
  code: 'ACR_OVER_BUDGET',
  message: `call ${call} of the attempt does not fit into what the budgets have left`,
});
