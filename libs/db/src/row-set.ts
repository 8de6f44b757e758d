import { sql, type RawBuilder } from 'kysely';
import { plannedOnce } from './planned-once';
import { json } from './postgres-text';

/**
 * SQL: `values` as the rows of a table `r`, for statements that write the rows of many jobs at once. One JSON
 * parameter and a text that never changes: cheaper to build than a parameter per value, and planned once
 * (preparing-client.ts). The two limits hold nothing back: they tell the planner that the rows are few, so that it
 * looks up each by its key. Join on all columns of a key, and on constants as columns of `r`: a
 * condition on the table alone is one by which it can be scanned.
 * @param columns column definitions, e.g. `task_id text, turn int`; `jsonb` columns hold nested values. Vectors go as
 *   base64 (`decode(r.embedding, 'base64')`). Undefined and absent values are NULL. Must be constant text.
 */
export function rowSet(values: readonly object[], columns: string): RawBuilder<unknown> {
  return sql`${plannedOnce} (select * from (select * from jsonb_to_recordset(${json(values)}::jsonb) as r(${sql.raw(columns)})
    limit (select 1000000)) few limit (select 1000000)) as r`;
}
