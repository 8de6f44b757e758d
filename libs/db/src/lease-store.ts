import { sql } from 'kysely';
import { isMine, loadAttempt, type AttemptRow } from './attempt-store';
import type { Executor } from './client';
import { rowSet } from './row-set';

/** - `claimed`: the lease is ours · `held`: somebody else's, until `until` · `over`: no longer executing, or no such row */
export type Claim =
  { kind: 'claimed' } | { kind: 'held'; until: Date } | { kind: 'over'; row: AttemptRow | undefined };

/** An attempt that a worker wants; `token` names the worker. */
export interface Claimant {
  taskId: string;
  attempt: number;
  token: string;
}

/**
 * Takes the leases of executing attempts for `leaseMs`, except where another holder's lease still runs. One answer
 * per claimant, in their order. One attempt per task.
 */
export async function claimAttempts(
  db: Executor,
  claimants: readonly Claimant[],
  leaseMs: number,
): Promise<Claim[]> {
  const { rows } = await sql<{ task_id: string }>`
    update attempts a set lease_token = r.token, lease_until = now() + ${leaseMs} * interval '1 millisecond',
      started_at = coalesce(a.started_at, now())
    from ${rowSet(claimants, '"taskId" text, attempt int, token text')}
    where a.task_id = r."taskId" and a.attempt = r.attempt and a.status = 'executing'
      and (a.lease_token is null or a.lease_token = r.token or a.lease_until < now())
    returning a.task_id`.execute(db);
  const claimed = new Set(rows.map((row) => row.task_id));
  return Promise.all(
    claimants.map(async ({ taskId, attempt }): Promise<Claim> => {
      if (claimed.has(taskId)) return { kind: 'claimed' };
      const current = await loadAttempt(db, taskId, attempt);
      if (current?.status === 'executing' && current.lease_until)
        return { kind: 'held', until: current.lease_until };
      return { kind: 'over', row: current };
    }),
  );
}

/** As `claimAttempts`, for one. */
export async function claimAttempt(
  db: Executor,
  taskId: string,
  attempt: number,
  token: string,
  leaseMs: number,
): Promise<Claim> {
  const [claim] = await claimAttempts(db, [{ taskId, attempt, token }], leaseMs);
  return claim ?? { kind: 'over', row: undefined };
}

/** Prolongs the lease; false when it is no longer ours: stop working, nothing we write will count. */
export async function renewLease(
  db: Executor,
  taskId: string,
  attempt: number,
  token: string,
  leaseMs: number,
): Promise<boolean> {
  const row = await db
    .updateTable('attempts')
    .set({ lease_until: sql<Date>`now() + ${leaseMs} * interval '1 millisecond'` })
    .where(isMine(taskId, attempt, token))
    .returning('attempt')
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives the lease back before its time, so that a redelivery need not wait for it to run out. */
export async function dropLease(db: Executor, taskId: string, attempt: number, token: string): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ lease_token: null, lease_until: null })
    .where(isMine(taskId, attempt, token))
    .execute();
}
