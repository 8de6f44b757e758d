import type { Database, Executor } from '@acrouter/db/client';
import {
  callsOf,
  closeUnknown,
  markSent,
  reserveCall,
  sentChecks,
  settleCall,
  type CallKind,
  type LedgerRow,
} from '@acrouter/db/ledger-store';
import { loadOpinion, storeOpinion } from '@acrouter/db/opinion-store';
import { costOf, worstCaseCost } from '@acrouter/domain/task';
import type { Answered, CompletionRequest, CompletionResult, Failed } from '@acrouter/models/model-client';
import { estimateInputTokens } from '@acrouter/models/prompt';
import { planRetry } from '@acrouter/models/retry-plan';
import { RetryLater } from '@acrouter/queue/handles';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AskedModels } from './asked-models';
import { CallMeter } from './call-meter';

/** One question of a check to a model. */
export interface Question {
  taskId: string;
  attempt: number;
  tenantId: string;
  runId: string | null;
  kind: CallKind;
  /** Id in the pool. */
  model: string;
  /** `nonce`: 32 fresh random hex digits. */
  request: (nonce: string) => CompletionRequest;
}

/** A reply, or why there is none: over budget, provider down. Neither says anything about the answer. */
export type Reply =
  | { kind: 'reply'; text: string; nonce: string; model: string; costUsd: number | null }
  | { kind: 'none'; reason: string };

/** Calls per question. Fewer than an answer gets: an answer can be judged without an opinion. */
const MAX_CALLS = 3;
/** A pause that is longer is not worth a verifier's slot. */
const MAX_PAUSE_MS = 10_000;
/** On top of the model's time limit, before a line that was sent counts as its process's death. */
const GRACE_MS = 5_000;

/**
 * Calls that checks make. Like an executor's, each is reserved against the budgets and written down before it leaves;
 * its reply is stored together with its cost, so that a check that runs twice pays once.
 */
@Injectable()
export class PaidCalls {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly models: AskedModels,
    private readonly meter: CallMeter,
  ) {}

  /**
   * @throws RetryLater while another delivery's call may still be under way.
   * @throws the signal's reason when stopped; a call that had left is written down as unknown.
   */
  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const stored = await loadOpinion(this.db, question);
    if (stored) return { ...stored, kind: 'reply', text: stored.reply };
    for (;;) {
      signal.throwIfAborted();
      const lines = await this.settledLines(question);
      const reserved = lines.find((l) => l.state === 'reserved');
      if (!reserved && lines.length >= MAX_CALLS) return none(lines.at(-1)?.error);
      const line = reserved ?? (await this.reserve(question, lines.length + 1));
      if (!line) return none('it does not fit into what the budgets have left');
      if (!(await markSent(this.db, keyOf(line))))
        throw new RetryLater(1_000, 'the call was released or sent by another');
      const outcome = await this.call(question, line, signal);
      if ('kind' in outcome) return outcome;
      await sleep(outcome.pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Closes what an attempt's checks had sent when they ended for good, as those of a cancelled task do. */
  async abandon(taskId: string, attempt: number): Promise<void> {
    for (const line of await sentChecks(this.db, taskId, attempt)) await this.giveUp(line);
  }

  private giveUp(line: LedgerRow): Promise<void> {
    return this.db.transaction().execute((trx) => closeUnknown(trx, keyOf(line), LOST));
  }

  /** The question's lines, none of them in flight. */
  private async settledLines(question: Question): Promise<LedgerRow[]> {
    const { taskId, attempt, kind, model } = question;
    const lines = await callsOf(this.db, taskId, attempt, kind);
    const patienceMs = this.models.get(model).entry.limits.timeoutMs + GRACE_MS;
    for (const line of lines.filter((l) => l.state === 'sent')) {
      const leftMs = (line.sent_at?.getTime() ?? 0) + patienceMs - Date.now();
      if (leftMs > 0) throw new RetryLater(leftMs, 'another delivery may be waiting for the reply');
      await this.giveUp(line);
    }
    return lines;
  }

  private async reserve(question: Question, call: number): Promise<LedgerRow | null> {
    const { taskId, attempt, tenantId, runId, kind, model } = question;
    const { entry } = this.models.get(model);
    const request = question.request('0'.repeat(32));
    const reserveUsd = worstCaseCost(estimateInputTokens(request), request.maxOutputTokens, entry.price);
    const line = { taskId, attempt, call, kind, tenantId, runId, model, reserveUsd, price: entry.price };
    const fits = await this.db
      .transaction()
      .execute((trx) => reserveCall(trx, { ...line, simulated: entry.provider === 'simulated' }));
    if (!fits) return null;
    return (await callsOf(this.db, taskId, attempt, kind)).find((l) => l.call === call) ?? null;
  }

  private async call(
    question: Question,
    line: LedgerRow,
    signal: AbortSignal,
  ): Promise<Reply | { pauseMs: number }> {
    const { entry, client } = this.models.get(question.model);
    const nonce = randomBytes(16).toString('hex');
    const result: CompletionResult = await client.complete(question.request(nonce), signal);
    const costUsd = result.kind === 'answered' ? costOf(result.usage, line.price) : null;
    this.meter.record(entry, result, costUsd);
    if (result.kind === 'answered') {
      await this.keep(question, line, nonce, result, costUsd);
      return { kind: 'reply', text: result.text, nonce, model: question.model, costUsd };
    }
    await this.db.transaction().execute((trx) => closeFailed(trx, line, result));
    if (result.failure === 'cancelled') signal.throwIfAborted();
    const next = planRetry(result, line.call, Math.random);
    if (next.action === 'give-up' || next.delayMs > MAX_PAUSE_MS || line.call >= MAX_CALLS)
      return none(result.message);
    return { pauseMs: next.delayMs };
  }

  /** Cost and reply in one transaction: a reply that is not kept would be paid for again. */
  private async keep(
    question: Question,
    line: LedgerRow,
    nonce: string,
    { text: reply, usage, latencyMs }: Answered,
    costUsd: number | null,
  ): Promise<void> {
    const { taskId, attempt, kind, tenantId, model } = question;
    await this.db.transaction().execute(async (trx) => {
      if (usage === null || costUsd === null) {
        const error = 'the provider did not report the usage';
        await closeUnknown(trx, keyOf(line), { mayHaveBeenBilled: true, error, statusCode: 200, latencyMs });
      } else await settleCall(trx, keyOf(line), { usage, costUsd, latencyMs });
      await storeOpinion(trx, { taskId, attempt, kind, tenantId, model, call: line.call, nonce, reply });
    });
  }
}

const LOST = { mayHaveBeenBilled: true, error: 'the verifier ended during the call' };

const none = (reason: string | null | undefined): Reply => ({
  kind: 'none',
  reason: reason ?? 'every call failed',
});

const keyOf = (line: LedgerRow) => ({
  taskId: line.task_id,
  attempt: line.attempt,
  call: line.call,
  kind: line.kind as CallKind,
});

function closeFailed(trx: Executor, line: LedgerRow, failure: Failed): Promise<void> {
  const { mayHaveBeenBilled, message, statusCode, latencyMs } = failure;
  const error = `${failure.failure}: ${message}`;
  return closeUnknown(trx, keyOf(line), { mayHaveBeenBilled, error, statusCode, latencyMs });
}
