import { sql } from 'kysely';
import { IS_QUEUED } from './admission-store';
import type { Executor } from './client';

/** A tenant's share of the loop, and where its tasks are. */
export interface TenantStanding {
  tenantId: string;
  weight: number;
  queued: number;
  inLoop: number;
  /** Tasks ever let into the loop. */
  admitted: number;
}

/** Tenants that have a key, a weight or tasks in the queue or the loop, by name. */
export async function listTenants(db: Executor): Promise<TenantStanding[]> {
  const { rows } = await sql<TenantStanding>`
    with q as (select t.tenant_id, count(*) as n from tasks t where ${IS_QUEUED} group by 1),
         l as (select t.tenant_id, count(*) as n from tasks t
               where t.settled_at is null and t.admitted_at is not null group by 1),
         known as (select tenant_id from tenant_shares union select tenant_id from api_keys
                   union select tenant_id from q union select tenant_id from l)
    select k.tenant_id as "tenantId", coalesce(s.weight, 1) as weight, coalesce(q.n, 0) as queued,
           coalesce(l.n, 0) as "inLoop", coalesce(s.admitted, 0) as admitted
    from known k
    left join tenant_shares s on s.tenant_id = k.tenant_id
    left join q on q.tenant_id = k.tenant_id
    left join l on l.tenant_id = k.tenant_id
    order by 1`.execute(db);
  return rows;
}

/** Gives a tenant a weight, above 0 and up to 1,000; in force with the next round of admission. */
export async function setTenantWeight(db: Executor, tenantId: string, weight: number): Promise<void> {
  await db
    .insertInto('tenant_shares')
    .values({ tenant_id: tenantId, weight })
    .onConflict((c) => c.column('tenant_id').doUpdateSet({ weight }))
    .execute();
}
