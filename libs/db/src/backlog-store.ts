import { sql } from 'kysely';
import { IS_QUEUED } from './admission-store';
import type { Executor } from './client';

/** How many tasks are queued: for the limits of the gateway and for its gauges. */

/** One tenant with queued tasks. */
export interface TenantBacklog {
  tenantId: string;
  queued: number;
  /** Tasks ever let into the loop; two looks at it tell how quickly its queue moves. */
  admitted: number;
}

/** All tenants with queued tasks. Reads the whole index of the queue: for now and then. */
export async function readBacklogs(db: Executor): Promise<TenantBacklog[]> {
  const { rows } = await sql<TenantBacklog>`
    select q.tenant_id as "tenantId", q.queued, coalesce(s.admitted, 0) as admitted
    from (select t.tenant_id, count(*) as queued from tasks t where ${IS_QUEUED} group by 1) q
    left join tenant_shares s on s.tenant_id = q.tenant_id`.execute(db);
  return rows;
}

/**
 * Queued tasks of one tenant, exactly. Until the transaction ends no other one counts them this way, so that
 * what is added after counting is counted by the next.
 */
export async function lockBacklog(trx: Executor, tenantId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`acr-backlog ${tenantId}`}, 0))`.execute(trx);
  const { rows } = await sql<{ queued: number }>`
    select count(*) as queued from tasks t where ${IS_QUEUED} and t.tenant_id = ${tenantId}`.execute(trx);
  return rows[0]?.queued ?? 0;
}

/** Queued tasks by priority (0 low, 1 normal, 2 high), and tasks in the loop. */
export interface BacklogSums {
  queued: [number, number, number];
  /** Age of the oldest queued task, ms; 0 when none is queued. */
  oldestMs: number;
  /** Tenants with queued tasks, and the longest queue of one of them. */
  tenants: number;
  longest: number;
  inFlight: number;
}

/** For gauges: nothing in it has one line per tenant. Ids are in the order of time, so the heads are the oldest. */
export async function readBacklogSums(db: Executor): Promise<BacklogSums> {
  const { rows } = await sql<{ tenant_id: string; priority: number; queued: number; oldest_ms: number }>`
    select q.tenant_id, q.priority, q.queued, extract(epoch from now() - t.created_at)::float8 * 1000 as oldest_ms
    from (select t.tenant_id, t.priority, count(*) as queued, min(t.id) as head
          from tasks t where ${IS_QUEUED} group by 1, 2) q
    join tasks t on t.id = q.head`.execute(db);
  const loop = await sql<{ n: number }>`
    select count(*) as n from tasks t where t.settled_at is null and t.admitted_at is not null`.execute(db);
  const tenants = new Map<string, number>();
  const queued: [number, number, number] = [0, 0, 0];
  for (const row of rows) {
    tenants.set(row.tenant_id, (tenants.get(row.tenant_id) ?? 0) + row.queued);
    queued[row.priority] = (queued[row.priority] ?? 0) + row.queued;
  }
  return {
    queued,
    oldestMs: Math.max(0, ...rows.map((r) => r.oldest_ms)),
    tenants: tenants.size,
    longest: Math.max(0, ...tenants.values()),
    inFlight: loop.rows[0]?.n ?? 0,
  };
}
