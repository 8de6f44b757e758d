import type { AttemptToCheck } from '@acrouter/db/check-reads';
import type { Executor } from '@acrouter/db/client';
import { knownFlaky, oppositeTwin, rememberFlaky, type CheckKey } from '@acrouter/db/flaky-store';
import type { Signal } from '@acrouter/domain/verification/signals';
import { failedTests } from '@acrouter/verification/repeat';
import type { Verdict } from '@acrouter/verification/verdict';

const keyOf = ({ task }: AttemptToCheck): CheckKey => ({
  tenantId: task.tenant_id,
  verification: task.verification,
});

/** What is known to be flaky in a task's check; read when something failed. */
export const flakyIn = (db: Executor, found: AttemptToCheck) => () => knownFlaky(db, keyOf(found));

const testsIn = (signals: readonly Signal[]) => signals.find((s) => s.kind === 'tests' && s.score !== null);

/**
 * Remembers tests that gave two results for one answer: in two runs of this check, or in this one and in that of
 * another attempt with the same answer. May be done twice.
 */
export async function learnFlaky(db: Executor, found: AttemptToCheck, verdict: Verdict): Promise<void> {
  const tests = testsIn(verdict.signals);
  if (!tests || !found.task.verification) return;
  const disagreed = tests.evidence['disagreed'];
  const names = Array.isArray(disagreed) ? disagreed.map(String) : [];
  const { task, row } = found;
  if (row.attempt > 1 && row.answer !== null) {
    const { attempt, answer } = row;
    const twin = await oppositeTwin(db, { taskId: task.id, attempt, answer, passed: verdict.passed });
    const failed = verdict.passed ? testsIn((twin ?? []) as Signal[]) : tests;
    if (twin && failed) names.push(...failedTests(failed));
  }
  await rememberFlaky(db, keyOf(found), names);
}
