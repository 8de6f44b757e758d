import type { DecideMessage } from '@acrouter/contracts/messages';
import { attemptFacts, type AttemptFacts } from '@acrouter/db/attempt-store';
import type { Executor } from '@acrouter/db/client';
import type { Recalled } from '@acrouter/db/context-store';
import type { AttemptResult, LoopEvent } from '@acrouter/domain/loop';

/**
 * The loop's events for messages of different tasks, from the facts in Postgres: a message only says where to
 * look. `null` when the facts are not there (yet): a message that ran ahead, or one that was overtaken.
 */
export async function eventsOf(
  trx: Executor,
  messages: readonly DecideMessage[],
  contexts: ReadonlyMap<string, Recalled>,
): Promise<(LoopEvent | null)[]> {
  const finished = messages.flatMap((m) => (m.kind === 'attempt-finished' ? [m] : []));
  const attempts = new Map((await attemptFacts(trx, finished)).map((a) => [a.task_id, a]));
  return messages.map((message) => {
    switch (message.kind) {
      case 'context-ready':
        return contexts.has(message.taskId) ? { type: 'context-ready' } : null;
      case 'wake':
        return { type: 'wake', turn: message.turn };
      case 'cancel':
        return { type: 'cancelled' };
      case 'attempt-finished': {
        const attempt = attempts.get(message.taskId);
        const result = attempt ? resultOf(attempt) : null;
        return result ? { type: 'attempt-finished', attempt: message.attempt, result } : null;
      }
    }
  });
}

/** What came of an attempt; `null` while it is still under way. */
function resultOf(attempt: AttemptFacts): AttemptResult | null {
  const { costUsd, heldUsd } = attempt;
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
