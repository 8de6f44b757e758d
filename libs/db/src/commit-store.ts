import { sql } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import { rowSet } from './row-set';
import { addToStatistics, type Observation } from './statistics-store';
import type { AttemptStatus } from './tables';
import type { Timing } from './timing';

/**
 * What memory reads and writes when it learns from verified attempts: many at once, each once.
 */

/** Name of an attempt. */
export interface AttemptKey {
  taskId: string;
  attempt: number;
}

/** A task as memory needs it for a commit. */
export interface CommitTask {
  id: string;
  tenantId: string;
  traceparent: string | null;
  expedited: boolean;
  dimension: string;
  /** Vector space of its context's embedding. */
  embedder: string;
}

/** Tasks that have a context, by id. */
export async function tasksToCommit(
  db: Executor,
  taskIds: readonly string[],
): Promise<Map<string, CommitTask>> {
  const { rows } = await sql<CommitTask>`
    ${plannedOnce} select t.id, t.tenant_id as "tenantId", t.traceparent, t.expedited, c.dimension, c.embedder
    from tasks t cross join lateral (select * from contexts where task_id = t.id offset 0) c
    where t.id = any(${[...taskIds]})`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

/** An attempt that is recorded, by this call or before. */
export interface RecordedAttempt extends AttemptKey {
  /** Recorded by this call: now it is to be learnt from. */
  fresh: boolean;
  model: string;
  score: number | null;
  passed: boolean | null;
  verdict: Record<string, unknown> | null;
  /** Whether any of its calls went to the simulated pool, by the ledger, which knows what was called then. */
  simulated: boolean;
}

/** Marks verified attempts as learnt from. Those that are not verified (yet) are not among the results. */
export async function recordAttempts(
  trx: Executor,
  keys: readonly (AttemptKey & Partial<Timing>)[],
): Promise<RecordedAttempt[]> {
  const { rows } = await sql<RecordedAttempt & { status: AttemptStatus }>`
    with wanted as (
      select a.task_id, a.attempt, a.status, r."waitMs", r."workMs" from attempts a
      join ${rowSet(keys.map(timed), '"taskId" text, attempt int, "waitMs" float8, "workMs" float8')} on a.task_id = r."taskId" and a.attempt = r.attempt
      order by a.task_id, a.attempt for update of a
    ), recorded as (
      update attempts a set status = 'recorded', recorded_at = now(), commit_wait_ms = w."waitMs", commit_work_ms = w."workMs"
      from wanted w where a.task_id = w.task_id and a.attempt = w.attempt and w.status = 'verified'
    )
    select a.task_id as "taskId", a.attempt, w.status = 'verified' as fresh, a.model, a.score, a.passed, a.verdict,
           coalesce((select bool_or(l.simulated) from ledger l
                     where l.task_id = a.task_id and l.attempt = a.attempt), false) as simulated
    from wanted w join attempts a on a.task_id = w.task_id and a.attempt = w.attempt
    where w.status in ('verified', 'recorded')`.execute(trx);
  return rows;
}

const timed = ({ taskId, attempt, waitMs, workMs }: AttemptKey & Partial<Timing>) => ({
  taskId,
  attempt,
  waitMs,
  workMs,
});

/** What a judged attempt teaches. Its task, context, score and cost are read where they are stored. */
export interface Lesson extends AttemptKey {
  simulated: boolean;
  /** Vector space of the experience. */
  embedder: string;
  /** The task's vector in that space; `null` = the context's own. */
  embedding: Buffer | null;
}

/**
 * Makes experiences of judged attempts and counts them in the statistics, each once. Call it last in a
 * transaction: it locks rows of the statistics that others want. One call of unknown cost makes the cost of the
 * attempt unknown (must 5).
 */
export async function insertLessons(trx: Executor, lessons: readonly Lesson[]): Promise<void> {
  if (lessons.length === 0) return;
  const given = lessons.map((l) => ({ ...l, embedding: l.embedding?.toString('base64') }));
  const { rows } = await sql<Observation>`
    insert into experiences (tenant_id, task_key, attempt, dimension, language, source, model, score, solved,
                             cost_usd, latency_ms, embedding, embedder, simulated)
    select t.tenant_id, t.id, a.attempt, c.dimension, c.language, t.source, a.model, coalesce(a.score, 0),
           coalesce(a.passed, false), case when a.unknown_calls = 0 then a.cost_usd end, a.latency_ms,
           coalesce(decode(r.embedding, 'base64'), c.embedding), r.embedder, r.simulated
    from ${rowSet(given, '"taskId" text, attempt int, simulated boolean, embedder text, embedding text')}
    join tasks t on t.id = r."taskId"
    join contexts c on c.task_id = t.id
    join attempts a on a.task_id = t.id and a.attempt = r.attempt
    on conflict do nothing
    returning tenant_id, dimension, language, model, simulated, score, solved, cost_usd, latency_ms`.execute(
    trx,
  );
  await addToStatistics(trx, rows);
}
