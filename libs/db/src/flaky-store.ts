import { createHash } from 'node:crypto';
import type { VerificationSpec } from '@acrouter/domain/task';
import { sql } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';

/** Longest name of a test that is kept, characters. */
const MAX_NAME = 500;

/** A check as its flaky tests are kept by: the same for every task that is checked alike. */
export interface CheckKey {
  tenantId: string;
  verification: VerificationSpec | null;
}

/** Names in any order give the same key: what was stored as jsonb comes back in another. */
function hashOf(verification: VerificationSpec | null): string {
  const sorted = (value: unknown): unknown =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, sorted(v)]),
        )
      : value;
  return createHash('sha256')
    .update(JSON.stringify(sorted(verification)))
    .digest('hex');
}

/** Tests of a check that gave different results for the same answer; `*` stands for the whole check. */
export async function knownFlaky(db: Executor, key: CheckKey): Promise<Set<string>> {
  const rows = await db
    .selectFrom('flaky_tests')
    .select('test')
    .where('tenant_id', '=', key.tenantId)
    .where('check_key', '=', hashOf(key.verification))
    .execute();
  return new Set(rows.map((r) => r.test));
}

/** Remembers such tests. Repeating it changes nothing but the time. */
export async function rememberFlaky(db: Executor, key: CheckKey, tests: readonly string[]): Promise<void> {
  if (tests.length === 0) return;
  const check_key = hashOf(key.verification);
  const names = [...new Set(tests.map((test) => text(test).slice(0, MAX_NAME)))];
  await db
    .insertInto('flaky_tests')
    .values(names.map((test) => ({ tenant_id: key.tenantId, check_key, test })))
    .onConflict((c) =>
      c.columns(['tenant_id', 'check_key', 'test']).doUpdateSet({ seen_at: sql<Date>`now()` }),
    )
    .execute();
}

/**
 * Signals of another attempt of the task with the same answer and the opposite verdict; `null` without one. Models
 * do give the same answer twice, and its check should then say the same twice.
 */
export async function oppositeTwin(
  db: Executor,
  attempt: { taskId: string; attempt: number; answer: string; passed: boolean },
): Promise<unknown[] | null> {
  const row = await db
    .selectFrom('attempts')
    .select('signals')
    .where('task_id', '=', attempt.taskId)
    .where('attempt', '<>', attempt.attempt)
    .where('answer', '=', attempt.answer)
    .where('passed', '=', !attempt.passed)
    .where(sql<boolean>`(verdict->>'conclusive')::boolean`)
    .executeTakeFirst();
  return row?.signals ?? null;
}
