import { sql, type RawBuilder } from 'kysely';
import { json } from './client';

/**
 * SQL: `values` as the rows of a table `r`, for statements that write the rows of many jobs at once. One JSON
 * parameter and a text that never changes: cheaper to build and to plan than a parameter per value.
 * @param columns column definitions, e.g. `task_id text, turn int`; `json` columns hold nested values. Vectors go as
 *   base64 (`decode(r.embedding, 'base64')`). Undefined and absent values are NULL. Must be constant text.
 */
export function rowSet(values: readonly object[], columns: string): RawBuilder<unknown> {
  return sql`json_to_recordset(${json(values)}::json) as r(${sql.raw(columns)})`;
}
