import type {
  AdmissionClock,
  InFlight,
  PerPriority,
  Pick,
  TenantQueue,
  TenantShare,
} from '@acrouter/domain/admission';
import { sql } from 'kysely';
import type { Executor } from './client';
import { json } from './postgres-text';
import type { LoopState } from '@acrouter/domain/loop';

/**
 * Queued tasks: accepted and not let into the loop yet. Here is what the orchestrator reads and writes to let
 * them in; who is next is libs/domain admission.ts.
 */

/** The Postgres channel on which everybody who changed the queue says so. */
export const QUEUED_CHANNEL = 'acr_queued';

/** A process frozen while it admits would hold up all; Postgres ends its transaction after that, ms. */
const FROZEN_MS = '10000';

/** SQL: whether task `t` is queued; as the partial indexes have it. */
export const IS_QUEUED = sql<boolean>`t.settled_at is null and t.admitted_at is null`;
/** SQL: whether a queued task `t` is to be settled where it is, being cancelled or too late. */
const IS_LEAVING = sql<boolean>`coalesce(least(t.cancel_requested_at, t.deadline_at) <= now(), false)`;

/** SQL: the same for the index of those that may leave. */
const LEAVES = sql<boolean>`least(t.cancel_requested_at, t.deadline_at) is not null
  and least(t.cancel_requested_at, t.deadline_at) <= now()`;

/** Tells the orchestrators, once the transaction has committed, that tasks were queued or cancelled. */
export async function tellQueued(trx: Executor): Promise<void> {
  await sql`select pg_notify(${QUEUED_CHANNEL}, '')`.execute(trx);
}

/** Whether any task is queued, and whether any queued one is to be settled where it is. */
export async function lookAtQueue(db: Executor): Promise<{ queued: boolean; leaving: boolean }> {
  const { rows } = await sql<{ queued: boolean; leaving: boolean }>`
    select exists (select 1 from tasks t where ${IS_QUEUED}) as queued,
           exists (select 1 from tasks t where ${IS_QUEUED} and ${LEAVES}) as leaving`.execute(db);
  return rows[0] ?? { queued: false, leaving: false };
}

/** Takes the right to admit until the transaction ends, waiting for whoever has it. */
export async function takeClock(trx: Executor): Promise<AdmissionClock> {
  const { rows } = await sql<AdmissionClock>`
    select virtual_time as "virtualTime", pace, in_flight as "inFlight",
           set_config('idle_in_transaction_session_timeout', ${FROZEN_MS}, true)
    from admission_clock for update`.execute(trx);
  const row = rows[0];
  if (!row) throw new Error('admission_clock has lost its row');
  return { virtualTime: row.virtualTime, pace: row.pace, inFlight: row.inFlight };
}

/** The tasks in the loop, by tenant and by the model (or cool-down) that holds them up. */
export async function readInFlight(db: Executor): Promise<InFlight[]> {
  const { rows } = await sql<InFlight>`
    select tenant_id as "tenantId", count(*) as tasks,
           case phase when 'attempting' then state->'attempts'->-1->>'model'
                      when 'waiting' then 'cool-down' end as place
    from tasks t where t.settled_at is null and t.admitted_at is not null
    group by 1, 3`.execute(db);
  return rows;
}

/**
 * Tenants with queued tasks, where they stand, and how many of each priority wait (counted up to `limit`).
 * Goes from tenant to tenant in the index, so that the length of the queues does not matter.
 */
export async function readQueues(db: Executor, limit: number): Promise<TenantQueue[]> {
  const { rows } = await sql<QueueRow>`
    with recursive flow as (
      (select t.tenant_id, t.priority from tasks t where ${IS_QUEUED} order by t.tenant_id, t.priority limit 1)
      union all
      select n.* from flow f cross join lateral (
        select t.tenant_id, t.priority from tasks t
        where ${IS_QUEUED} and (t.tenant_id, t.priority) > (f.tenant_id, f.priority)
        order by t.tenant_id, t.priority limit 1) n
    )
    select f.tenant_id, f.priority, c.queued, coalesce(s.weight, 1) as weight, coalesce(s.next_start, 0) as next_start,
           coalesce(s.class_time, 0) as class_time, coalesce(s.class_next, '{0,0,0}') as class_next
    from flow f
    cross join lateral (select count(*) as queued from (
      select 1 from tasks t where ${IS_QUEUED} and t.tenant_id = f.tenant_id and t.priority = f.priority
        and not ${IS_LEAVING} limit ${limit}) q) c
    left join tenant_shares s on s.tenant_id = f.tenant_id
    order by f.tenant_id, f.priority`.execute(db);
  return toQueues(rows);
}

interface QueueRow {
  tenant_id: string;
  priority: number;
  queued: number;
  weight: number;
  next_start: number;
  class_time: number;
  class_next: number[];
}

function toQueues(rows: readonly QueueRow[]): TenantQueue[] {
  const queues = new Map<string, TenantQueue>();
  for (const row of rows) {
    const queue = queues.get(row.tenant_id) ?? {
      tenantId: row.tenant_id,
      weight: row.weight,
      nextStart: row.next_start,
      classTime: row.class_time,
      classNext: triple((rank) => row.class_next[rank] ?? 0),
      queued: triple(() => 0),
    };
    const queued = triple((rank) => (rank === row.priority ? row.queued : (queue.queued[rank] ?? 0)));
    queues.set(row.tenant_id, { ...queue, queued });
  }
  return [...queues.values()];
}

const triple = (of: (rank: number) => number): PerPriority => [of(0), of(1), of(2)];

/** A task that was let into the loop. */
export interface AdmittedTask {
  id: string;
  traceparent: string | null;
  priority: number;
  expedited: boolean;
  /** Since it was accepted, ms. */
  waitedMs: number;
}

/** Lets in the oldest tasks of each pick; fewer where some are being cancelled just now. */
export async function admitPicks(trx: Executor, picks: readonly Pick[]): Promise<AdmittedTask[]> {
  if (picks.length === 0) return [];
  const { rows } = await sql<AdmittedTask>`
    with pick as (
      select * from unnest(${picks.map((p) => p.tenantId)}::text[], ${picks.map((p) => p.priority)}::int[],
        ${picks.map((p) => p.count)}::int[], ${picks.map((p) => p.expedited)}::int[]) as p(tenant_id, priority, n, expedited)
    ), chosen as (
      select c.id, c.nth <= p.expedited as expedited
      from pick p cross join lateral (
        select l.id, row_number() over (order by l.id) as nth from (
          select t.id from tasks t where ${IS_QUEUED} and t.tenant_id = p.tenant_id and t.priority = p.priority
            and not ${IS_LEAVING} order by t.id limit p.n for update skip locked) l) c
    )
    update tasks t set admitted_at = now(), progressed_at = now(), expedited = c.expedited
    from chosen c where t.id = c.id
    returning t.id, t.traceparent, t.priority, t.expedited,
              extract(epoch from now() - t.created_at)::float8 * 1000 as "waitedMs"`.execute(trx);
  return rows;
}

/** Keeps where the clock and the tenants stand; `admitted` counts the tasks that each got in. */
export async function saveShares(
  trx: Executor,
  clock: AdmissionClock,
  shares: readonly TenantShare[],
  picks: readonly Pick[],
): Promise<void> {
  const admitted = new Map<string, number>();
  for (const p of picks) admitted.set(p.tenantId, (admitted.get(p.tenantId) ?? 0) + p.count);
  const rows = shares.map((s) => ({
    tenant_id: s.tenantId,
    next_start: s.nextStart,
    class_time: s.classTime,
    class_next: [...s.classNext],
    admitted: admitted.get(s.tenantId) ?? 0,
  }));
  await sql`
    with clock as (
      update admission_clock
      set virtual_time = ${clock.virtualTime}, pace = ${clock.pace}, in_flight = ${clock.inFlight})
    insert into tenant_shares as s (tenant_id, next_start, class_time, class_next, admitted)
    select r.tenant_id, r.next_start, r.class_time, r.class_next, r.admitted
    from jsonb_to_recordset(${json(rows)}::jsonb)
      as r(tenant_id text, next_start float8, class_time float8, class_next float8[], admitted bigint)
    on conflict (tenant_id) do update set next_start = excluded.next_start, class_time = excluded.class_time,
      class_next = excluded.class_next, admitted = s.admitted + excluded.admitted`.execute(trx);
}

/** A queued task that is to be settled where it is. */
export interface LeavingTask {
  id: string;
  tenantId: string;
  runId: string | null;
  externalId: string | null;
  traceparent: string | null;
  state: LoopState;
  cancelled: boolean;
  createdAt: Date;
}

/** Locks up to `limit` queued tasks that were cancelled or whose deadline has passed. */
export async function takeLeaving(trx: Executor, limit: number): Promise<LeavingTask[]> {
  const { rows } = await sql<LeavingTask>`
    select t.id, t.tenant_id as "tenantId", t.run_id as "runId", t.external_id as "externalId", t.traceparent, t.state,
           t.cancel_requested_at is not null as cancelled, t.created_at as "createdAt"
    from tasks t
    where ${IS_QUEUED} and ${LEAVES}
    order by least(t.cancel_requested_at, t.deadline_at) limit ${limit} for update skip locked`.execute(trx);
  return rows;
}

/** Stores the settled states of tasks that `takeLeaving` locked. */
export async function settleLeaving(
  trx: Executor,
  tasks: readonly { id: string; state: LoopState }[],
): Promise<void> {
  await sql`
    update tasks t set state = v.state, state_version = t.state_version + 1, phase = v.state->>'phase',
      outcome = v.state->>'outcome', solved = false, progressed_at = now(), settled_at = now()
    from unnest(${tasks.map((t) => t.id)}::text[], ${tasks.map((t) => json(t.state))}::jsonb[]) as v(id, state)
    where t.id = v.id`.execute(trx);
}
