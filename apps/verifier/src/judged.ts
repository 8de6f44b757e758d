import type { CheckedAttempt } from '@acrouter/db/check-reads';
import type { WorkTask } from '@acrouter/db/task-store';
import { hash32 } from '@acrouter/domain/seeded-random';
import { speaks, type Signal } from '@acrouter/domain/verification/signals';
import type { CheckableTask, Verdict } from '@acrouter/verification/verdict';

/** An answer that opinions are asked about. */
export interface Judged {
  task: WorkTask;
  row: CheckedAttempt;
  checkable: CheckableTask;
  /** The task's attempts, this one among them. */
  attempts: readonly CheckedAttempt[];
  /** What was executed. */
  executed: Verdict;
}

/**
 * Whether an opinion can matter: where nothing was executed and nothing condemned the answer. For a share of the
 * answers that given tests have judged it is asked for too, since only there can be learnt what it is worth.
 */
export function wantsOpinion({ task, executed }: Judged, checkedShare: number): boolean {
  const { signals } = executed;
  const tests = signals.find((s) => s.kind === 'tests');
  if (tests) return speaks(tests) && hash32(task.id) / 2 ** 32 < checkedShare;
  const examples = signals.some((s) => s.kind === 'prompt-tests' && speaks(s));
  return !examples && !isCondemned(signals);
}

/** Whether anything that was executed found the answer wrong. */
export function isCondemned(signals: readonly Signal[]): boolean {
  const executed = ['tests', 'prompt-tests', 'syntax', 'rules'];
  return signals.some((s) => speaks(s) && s.status !== 'passed' && executed.includes(s.kind));
}
