import type { Neighbour } from '@acrouter/domain/routing/policy';
import type { Selectable } from 'kysely';
import { json, type Executor } from './client';
import type { ContextsTable } from './tables';

export type ContextRow = Selectable<ContextsTable>;

/** What memory recalled for a task. */
export interface NewContext {
  taskId: string;
  dimension: string;
  language: string;
  dimensionBy: 'given' | 'inferred';
  embedding: Float32Array;
  /** `Embedder.id` of what made the embedding. */
  embedder: string;
  neighbours: Neighbour[];
}

/** Stores a task's context, once; the first write wins, so that a task is always decided on one context. */
export async function storeContext(db: Executor, c: NewContext): Promise<void> {
  await db
    .insertInto('contexts')
    .values({
      task_id: c.taskId,
      dimension: c.dimension,
      language: c.language,
      dimension_by: c.dimensionBy,
      embedding: vectorToBytes(c.embedding),
      embedder: c.embedder,
      neighbours: json(c.neighbours),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
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
