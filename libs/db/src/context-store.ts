import type { Neighbour } from '@acrouter/domain/routing/policy';
import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import { rowSet } from './row-set';
import type { Timing } from './timing';
import type { ContextsTable } from './tables';

export type ContextRow = Selectable<ContextsTable>;

/** What memory recalled for a task. */
export interface NewContext extends Partial<Timing> {
  taskId: string;
  dimension: string;
  language: string;
  dimensionBy: 'given' | 'inferred';
  embedding: Float32Array;
  /** `Embedder.id` of what made the embedding. */
  embedder: string;
  neighbours: Neighbour[];
}

/**
 * Statement that stores tasks' contexts, each once; the first write wins, so that a task is always decided on one
 * context.
 */
export function contextsStep(contexts: readonly NewContext[]): RawBuilder<unknown> {
  const rows = contexts.map((c) => ({ ...c, embedding: vectorToBytes(c.embedding).toString('base64') }));
  return sql`
    insert into contexts (task_id, dimension, language, dimension_by, embedding, embedder, neighbours,
      wait_ms, work_ms)
    select "taskId", dimension, language, "dimensionBy", decode(embedding, 'base64'), embedder, neighbours,
      "waitMs", "workMs"
    from ${rowSet(rows, COLUMNS)}
    on conflict do nothing`;
}

const COLUMNS = `"taskId" text, dimension text, language text, "dimensionBy" text, embedding text, embedder text,
  neighbours jsonb, "waitMs" float8, "workMs" float8`;

/** Stores one context. */
export async function storeContext(db: Executor, context: NewContext): Promise<void> {
  await contextsStep([context]).execute(db);
}

const RECALLED = ['task_id', 'dimension', 'language', 'embedding', 'neighbours'] as const;

/** A context as decisions need it. */
export type Recalled = Pick<ContextRow, (typeof RECALLED)[number]>;

/** Contexts by task; tasks without one are not in it. */
export async function loadContexts(db: Executor, taskIds: readonly string[]): Promise<Map<string, Recalled>> {
  if (taskIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('contexts')
    .modifyFront(plannedOnce)
    .select(RECALLED)
    .where(sql<boolean>`task_id = any(${[...taskIds]})`)
    .execute();
  return new Map(rows.map((row) => [row.task_id, row]));
}

export function loadContext(db: Executor, taskId: string): Promise<ContextRow | undefined> {
  return db.selectFrom('contexts').selectAll().where('task_id', '=', taskId).executeTakeFirst();
}

/** float4 little-endian bytes of a vector (every platform that Node runs on is little-endian). */
export function vectorToBytes(v: Float32Array): Buffer {
  return Buffer.from(v.buffer, v.byteOffset, v.byteLength);
}

/** The vector of such bytes, copied, since Postgres buffers need not be aligned to 4. */
export function bytesToVector(bytes: Uint8Array): Float32Array {
  // Not `bytes.slice()`: a Buffer's slice is a view of a larger buffer.
  return new Float32Array(new Uint8Array(bytes).buffer);
}
