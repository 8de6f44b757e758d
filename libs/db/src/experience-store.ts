import { sql, type Insertable, type Selectable } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';
import { vectorToBytes } from './context-store';
import { addToStatistics } from './statistics-store';
import type { ExperiencesTable } from './tables';

/** One memory entry; `embedding` is read with `bytesToVector` and compared only within one `embedder`. */
export type ExperienceRow = Selectable<ExperiencesTable>;

export interface NewExperience {
  tenantId: string;
  /** The task it came from, or a name given at import. */
  taskKey: string;
  attempt: number;
  dimension: string;
  language: string;
  source: string | null;
  model: string;
  /** In [0, 1]. */
  score: number;
  solved: boolean;
  /** USD; `null` = unknown. */
  costUsd: number | null;
  latencyMs: number | null;
  /** Unit length. */
  embedding: Float32Array;
  embedder: string;
  simulated: boolean;
}

/** Rows per INSERT: 15 parameters each, far below Postgres' limit of 65,535. */
const INSERT_ROWS = 1_000;

/**
 * Adds experiences and counts them in the statistics, each (tenant, task, attempt) once; returns how many were
 * new. Must run inside a transaction. Call it last in one: it locks rows of the statistics that others want.
 */
export async function insertExperiences(
  trx: Executor,
  experiences: readonly NewExperience[],
): Promise<number> {
  let added = 0;
  for (let from = 0; from < experiences.length; from += INSERT_ROWS) {
    const rows = await trx
      .insertInto('experiences')
      .values(experiences.slice(from, from + INSERT_ROWS).map(toRow))
      .onConflict((c) => c.doNothing())
      .returning([
        'tenant_id',
        'dimension',
        'language',
        'model',
        'simulated',
        'score',
        'solved',
        'cost_usd',
        'latency_ms',
      ])
      .execute();
    await addToStatistics(trx, rows);
    added += rows.length;
  }
  return added;
}

function toRow(e: NewExperience): Insertable<ExperiencesTable> {
  return {
    tenant_id: e.tenantId,
    task_key: text(e.taskKey),
    attempt: e.attempt,
    dimension: e.dimension,
    language: e.language,
    source: e.source === null ? null : text(e.source),
    model: e.model,
    score: e.score,
    solved: e.solved,
    cost_usd: e.costUsd,
    latency_ms: e.latencyMs,
    embedding: vectorToBytes(e.embedding),
    embedder: e.embedder,
    simulated: e.simulated,
  };
}

/** A place in the order of experiences; `null` = before the first. */
export interface ExperienceCursor {
  xid: string;
  id: number;
}

/**
 * The next up to `limit` experiences after `cursor`, all tenants', and the cursor to go on from. Every reader
 * sees every committed experience exactly once, and all readers in the same order.
 *
 * Ids are given out before a transaction commits, so a lower id can become visible after a higher one. Rows
 * are therefore read by (transaction id, id), and only up to the oldest transaction that still runs: nothing
 * can appear behind the reader any more. The price: a writing transaction that stays open, anywhere on this
 * Postgres server, holds all readers up for as long.
 */
export async function followExperiences(
  db: Executor,
  cursor: ExperienceCursor | null,
  limit: number,
): Promise<{ rows: ExperienceRow[]; cursor: ExperienceCursor | null }> {
  const { xid, id } = cursor ?? { xid: '0', id: 0 };
  const rows = await db
    .selectFrom('experiences')
    .selectAll()
    .where(sql<boolean>`(xid, id) > (${xid}::xid8, ${id}::bigint)`)
    .where(sql<boolean>`xid < pg_snapshot_xmin(pg_current_snapshot())`)
    .orderBy('xid')
    .orderBy('id')
    .limit(limit)
    .execute();
  const last = rows.at(-1);
  return { rows, cursor: last ? { xid: last.xid, id: last.id } : cursor };
}

/**
 * Makes rows of another Postgres server visible to followers; returns how many. A restored dump carries that
 * server's transaction ids, which can lie in this one's future. Cheap when there are none.
 */
export async function adoptRestoredExperiences(db: Executor): Promise<number> {
  const result = await sql`
    update experiences set xid = pg_current_xact_id()
    where xid >= pg_snapshot_xmax(pg_current_snapshot())`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}

/**
 * Deletes the oldest experiences of tenants that have more than `capacity`, at most `batch` per tenant and
 * call; returns how many. Statistics keep what they counted. Several processes may call it.
 */
export async function trimExperiences(db: Executor, capacity: number, batch = 5_000): Promise<number> {
  const { rows } = await sql<{ tenant_id: string; surplus: number }>`
    select tenant_id, count(*) - ${capacity} as surplus from experiences
    group by tenant_id having count(*) > ${capacity}`.execute(db);
  let deleted = 0;
  for (const { tenant_id, surplus } of rows) {
    const result = await sql`
      delete from experiences where id in (
        select id from experiences where tenant_id = ${tenant_id}
        order by xid, id limit ${Math.min(surplus, batch)} for update skip locked)`.execute(db);
    deleted += Number(result.numAffectedRows ?? 0);
  }
  return deleted;
}

/** The next up to `limit` experiences of one tenant after `afterId`, by id, with the prompts still known. */
export async function exportExperiences(
  db: Executor,
  tenantId: string,
  afterId: number,
  limit: number,
): Promise<(ExperienceRow & { prompt: string | null })[]> {
  return db
    .selectFrom('experiences')
    .leftJoin('tasks', (join) =>
      join
        .onRef('tasks.id', '=', 'experiences.task_key')
        .onRef('tasks.tenant_id', '=', 'experiences.tenant_id'),
    )
    .selectAll('experiences')
    .select('tasks.prompt')
    .where('experiences.tenant_id', '=', tenantId)
    .where('experiences.id', '>', afterId)
    .orderBy('experiences.id')
    .limit(limit)
    .execute();
}

/** Experiences of a tenant by vector space and kind. */
export interface ExperienceCount {
  embedder: string;
  simulated: boolean;
  experiences: number;
  tasks: number;
}

export async function countExperiences(db: Executor, tenantId: string): Promise<ExperienceCount[]> {
  const { rows } = await sql<ExperienceCount>`
    select embedder, simulated, count(*) as experiences, count(distinct task_key) as tasks
    from experiences where tenant_id = ${tenantId}
    group by embedder, simulated order by embedder, simulated`.execute(db);
  return rows;
}
