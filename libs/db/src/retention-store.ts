import { sql, type RawBuilder } from 'kysely';
import type { Database, Executor } from './client';
import { forgetExpiredKeys } from './idempotency-store';

/**
 * What old rows are taken, and what stays: experiences, statistics, budgets, keys, and the sums per day of deleted
 * tasks and their calls. docs/operations.md says the same to the operator.
 */

/** Days after which something is taken; 0 = never. */
export interface RetentionPolicy {
  /** Prompts, answers, checks and their findings, from the settlement of the task. */
  textDays: number;
  /** Tasks with attempts, decisions, calls and feedback; and runs that have none left. */
  taskDays: number;
  /** Events of runs, from when they happened. */
  eventDays: number;
}

export const RETENTION_KINDS = ['texts', 'tasks', 'runs', 'events', 'idempotency-keys', 'outbox'] as const;
export type RetentionKind = (typeof RETENTION_KINDS)[number];

/** Rows per transaction: short ones, so that nobody waits for retention. */
const BATCH = 200;
/** A message that could not be published for so long concerns nothing that is not swept anyway. */
const OUTBOX_DAYS = 7;
/** Any number: whoever has this lock takes; others leave it to them. */
const LOCK = 7_202_622_907;

interface Kind {
  /** Rows that are due, as SQL that selects their keys; `null`: this is kept for ever. */
  due: (policy: RetentionPolicy) => RawBuilder<unknown> | null;
  /** Takes one batch of them; returns how many. */
  take: (trx: Executor, due: RawBuilder<unknown>) => Promise<number>;
}

const before = (days: number) => sql`now() - ${days} * interval '1 day'`;

/** The first of two periods to end; 0 = never. Texts never outlive their task. */
const shorter = (a: number, b: number): number => (a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b));

const KINDS: Record<RetentionKind, Kind> = {
  texts: {
    due: ({ textDays, taskDays }) => {
      const days = shorter(textDays, taskDays);
      return days === 0
        ? null
        : sql`select id from tasks where settled_at is not null and erased_at is null and settled_at < ${before(days)}
              order by settled_at`;
    },
    take: eraseTexts,
  },
  tasks: {
    due: ({ taskDays }) =>
      taskDays === 0
        ? null
        : sql`select id from tasks where erased_at is not null and settled_at < ${before(taskDays)} order by settled_at`,
    take: deleteTasks,
  },
  runs: {
    due: ({ taskDays }) =>
      taskDays === 0
        ? null
        : sql`select id from runs r where r.created_at < ${before(taskDays)}
              and not exists (select 1 from tasks t where t.run_id = r.id)`,
    take: (trx, due) =>
      affected(
        trx,
        sql`with old as materialized (${due} limit ${BATCH} for update skip locked),
            b as (delete from budgets using old where scope = 'run' and scope_id = old.id)
            delete from runs using old where runs.id = old.id`,
      ),
  },
  events: {
    // Events are numbered in the order of time; the oldest are looked at, not the whole table.
    due: ({ eventDays }) =>
      eventDays === 0
        ? null
        : sql`select id from (select id, at from events order by id limit 100000) e where at < ${before(eventDays)}`,
    take: (trx, due) =>
      affected(
        trx,
        sql`with old as materialized (${due} limit ${10 * BATCH}) delete from events using old where events.id = old.id`,
      ),
  },
  'idempotency-keys': {
    due: () => sql`select key from idempotency_keys where expires_at < now()`,
    take: (trx) => forgetExpiredKeys(trx, BATCH),
  },
  outbox: {
    due: () => sql`select id from outbox_groups where created_at < ${before(OUTBOX_DAYS)}`,
    take: (trx, due) =>
      affected(
        trx,
        // What services of before migration 0008 left in their table goes with it.
        sql`with old as materialized (${due} limit ${BATCH} for update skip locked),
            left_behind as (delete from outbox where created_at < ${before(OUTBOX_DAYS)})
            delete from outbox_groups o using old where o.id = old.id`,
      ),
  },
};

async function affected(trx: Executor, statement: RawBuilder<unknown>): Promise<number> {
  const { numAffectedRows } = await statement.execute(trx);
  return Number(numAffectedRows ?? 0);
}

function eraseTexts(trx: Executor, due: RawBuilder<unknown>): Promise<number> {
  return affected(
    trx,
    sql`with old as materialized (${due} limit ${BATCH} for update skip locked),
      a as (update attempts a set answer = null, signals = null from old where a.task_id = old.id),
      o as (delete from opinions o using old where o.task_id = old.id)
    update tasks t set prompt = '', verification = null, metadata = '{}', erased_at = now()
    from old where t.id = old.id`,
  );
}

/** The sums of deleted tasks are kept in the transaction that deletes them. */
async function deleteTasks(trx: Executor, due: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ id: string }>`${due} limit ${BATCH} for update skip locked`.execute(trx);
  if (rows.length === 0) return 0;
  const ids = rows.map((r) => r.id);
  await sql`
    insert into task_days as d (tenant_id, day, outcome, tasks)
    select tenant_id, (settled_at at time zone 'UTC')::date, coalesce(outcome, 'failed'), count(*)
    from tasks where id = any(${ids}) group by 1, 2, 3
    on conflict (tenant_id, day, outcome) do update set tasks = d.tasks + excluded.tasks`.execute(trx);
  await sql`
    insert into ledger_days as d
      (tenant_id, day, model, simulated, calls, unknown_calls, cost_usd, held_usd, input_tokens, output_tokens)
    select l.tenant_id, (t.settled_at at time zone 'UTC')::date, l.model, l.simulated,
           count(*), count(*) filter (where l.state <> 'settled'), coalesce(sum(l.cost_usd), 0),
           coalesce(sum(l.held_usd), 0), coalesce(sum(l.input_tokens), 0), coalesce(sum(l.output_tokens), 0)
    from ledger l join tasks t on t.id = l.task_id
    where t.id = any(${ids}) and l.state in ('sent', 'settled', 'unknown')
    group by 1, 2, 3, 4
    on conflict (tenant_id, day, model, simulated) do update set
      calls = d.calls + excluded.calls, unknown_calls = d.unknown_calls + excluded.unknown_calls,
      cost_usd = d.cost_usd + excluded.cost_usd, held_usd = d.held_usd + excluded.held_usd,
      input_tokens = d.input_tokens + excluded.input_tokens,
      output_tokens = d.output_tokens + excluded.output_tokens`.execute(trx);
  await sql`delete from events where task_id = any(${ids})`.execute(trx);
  await sql`delete from budgets where scope = 'task' and scope_id = any(${ids})`.execute(trx);
  return affected(trx, sql`delete from tasks where id = any(${ids})`);
}

/** Rows due now, by kind (of events: among the oldest 100,000); changes nothing. */
export async function countDue(
  db: Executor,
  policy: RetentionPolicy,
): Promise<Record<RetentionKind, number>> {
  const counts = Object.fromEntries(RETENTION_KINDS.map((k) => [k, 0])) as Record<RetentionKind, number>;
  for (const kind of RETENTION_KINDS) {
    const due = KINDS[kind].due(policy);
    if (!due) continue;
    const { rows } = await sql<{ n: number }>`select count(*) as n from (${due}) d`.execute(db);
    counts[kind] = rows[0]?.n ?? 0;
  }
  return counts;
}

/**
 * Takes everything that is due, in many short transactions. Returns the rows taken by kind; `null` when another
 * process was at it from the beginning. What is interrupted goes on at the next time.
 */
export async function takeDue(
  db: Database,
  policy: RetentionPolicy,
  signal?: AbortSignal,
): Promise<Record<RetentionKind, number> | null> {
  const taken = Object.fromEntries(RETENTION_KINDS.map((k) => [k, 0])) as Record<RetentionKind, number>;
  for (const kind of RETENTION_KINDS) {
    const due = KINDS[kind].due(policy);
    while (due && !signal?.aborted) {
      const n = await db.transaction().execute((trx) => takeBatch(trx, kind, due));
      // Another process goes on from here; what was taken before is still ours to tell.
      if (n === null) return Object.values(taken).some((rows) => rows > 0) ? taken : null;
      if (n === 0) break;
      taken[kind] += n;
    }
  }
  return taken;
}

async function takeBatch(
  trx: Executor,
  kind: RetentionKind,
  due: RawBuilder<unknown>,
): Promise<number | null> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_try_advisory_xact_lock(${LOCK}::bigint) as mine`.execute(trx);
  return rows[0]?.mine ? KINDS[kind].take(trx, due) : null;
}
