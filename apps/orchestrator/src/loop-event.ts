import type { DecideMessage } from '@acrouter/contracts/messages';
import { loadAttempt, type AttemptRow } from '@acrouter/db/attempt-store';
import type { Executor } from '@acrouter/db/client';
import { loadContext } from '@acrouter/db/context-store';
import { moneyOf, type AttemptMoney } from '@acrouter/db/ledger-store';
import type { LockedTask } from '@acrouter/db/task-store';
import type { AttemptResult, LoopEvent } from '@acrouter/domain/loop';

/**
 * The loop's event for a message, from the facts in Postgres: the message only says where to look.
 * `null` when the facts are not there (yet): a message that ran ahead, or one that was overtaken.
 */
export async function eventOf(
  trx: Executor,
  message: DecideMessage,
  task: LockedTask,
): Promise<LoopEvent | null> {
  switch (message.kind) {
    case 'context-ready':
      return (await loadContext(trx, task.id)) ? { type: 'context-ready' } : null;
    case 'wake':
      return { type: 'wake', turn: message.turn };
    case 'cancel':
      return { type: 'cancelled' };
    case 'attempt-finished': {
      const attempt = await loadAttempt(trx, task.id, message.attempt);
      const result = attempt && resultOf(attempt, await moneyOf(trx, task.id, message.attempt));
      return result ? { type: 'attempt-finished', attempt: message.attempt, result } : null;
    }
  }
}

/** What came of an attempt; `null` while it is still under way. */
export function resultOf(attempt: AttemptRow, money: AttemptMoney): AttemptResult | null {
  const { costUsd, heldUsd } = money;
  switch (attempt.status) {
    case 'recorded': {
      const conclusive = attempt.verdict?.['conclusive'] !== false;
      if (!conclusive) return { kind: 'unverifiable', costUsd, heldUsd };
      return { kind: 'judged', score: attempt.score ?? 0, solved: attempt.passed === true, costUsd, heldUsd };
    }
    case 'outage':
      return { kind: 'outage', costUsd, heldUsd };
    case 'over-budget':
      return { kind: 'over-budget', costUsd, heldUsd };
    case 'executing':
    case 'answered':
    case 'verified':
    case 'cancelled':
      return null;
  }
}
