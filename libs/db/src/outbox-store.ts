import type { MessageOf, QueueName } from '@acrouter/contracts/catalogue';
import { jobIdOf } from '@acrouter/contracts/job-id';
import { sql, type RawBuilder } from 'kysely';
import type { Executor } from './client';
import { rowSet } from './row-set';

/** A message to be published once the surrounding transaction has committed. */
export interface OutgoingMessage<Q extends QueueName = QueueName> {
  queue: Q;
  message: MessageOf<Q>;
  /** Key of a keyed queue (the model of `execute`). */
  key?: string;
  delayMs?: number;
  traceparent?: string | null;
}

export interface OutboxRow {
  id: number;
  queue: QueueName;
  key: string | null;
  jobId: string;
  payload: Record<string, unknown>;
  delayMs: number;
  traceparent: string | null;
  /** Goes before the messages that wait. */
  expedited: boolean;
}

/**
 * Writes messages into the outbox; returns them as rows, in their order, to hand to the relay after the commit.
 * Those of an expedited task are expedited.
 * @param steps what else is written in the same statement, and so in one round trip: statements on other tables.
 *   They see the tables as they were before the statement.
 * @param only `'first'`: only messages of the tasks whose `task_id` the first step returns.
 */
export async function enqueue(
  trx: Executor,
  messages: readonly OutgoingMessage[],
  steps: readonly RawBuilder<unknown>[] = [],
  only: 'all' | 'first' = 'all',
): Promise<OutboxRow[]> {
  if (messages.length === 0 && steps.length === 0) return [];
  const values = messages.map((m) => ({
    queue: m.queue,
    key: m.key ?? null,
    job_id: jobIdOf(m.queue, m.message),
    payload: m.message,
    delay_ms: m.delayMs ?? 0,
    traceparent: m.traceparent ?? null,
    task_id: m.message.taskId,
  }));
  const { rows } = await sql<OutboxRecord>`
    ${withSteps(steps)}
    insert into outbox (queue, key, job_id, payload, delay_ms, traceparent, expedited)
    select r.queue, r.key, r.job_id, r.payload, r.delay_ms, r.traceparent,
           coalesce((select t.expedited from tasks t where t.id = r.task_id), false)
    from ${rowSet(values, 'queue text, key text, job_id text, payload jsonb, delay_ms int, traceparent text, task_id text')}
    ${only === 'first' ? ONLY_OF_FIRST_STEP : sql``}
    returning *`.execute(trx);
  // Ids are given out in the order of the messages.
  return rows.map(fromRow).sort((a, b) => a.id - b.id);
}

/** SQL: of rows `r`, those of the tasks that the first step of `enqueue` returns. */
export const ONLY_OF_FIRST_STEP = sql`where r.task_id in (select task_id from step_0)`;

function withSteps(steps: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  if (steps.length === 0) return sql``;
  return sql`with ${sql.join(steps.map((step, i) => sql`${sql.raw(`step_${i}`)} as (${step})`))}`;
}

/**
 * Messages that were committed but, for at least `olderThanMs`, not published: their process died between
 * the two. Rows that another relay holds are skipped; run inside a transaction that ends after `markPublished`.
 */
export async function takeForgotten(trx: Executor, olderThanMs: number, limit: number): Promise<OutboxRow[]> {
  const rows = await trx
    .selectFrom('outbox')
    .selectAll()
    .where('created_at', '<', sql<Date>`now() - ${olderThanMs} * interval '1 millisecond'`)
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute();
  return rows.map(fromRow);
}

/** Forgets messages that the queue has taken. */
export async function markPublished(db: Executor, ids: readonly number[]): Promise<void> {
  if (ids.length > 0)
    await db
      .deleteFrom('outbox')
      .where(sql<boolean>`id = any(${[...ids]})`)
      .execute();
}

interface OutboxRecord {
  id: number;
  queue: string;
  key: string | null;
  job_id: string;
  payload: Record<string, unknown>;
  delay_ms: number;
  traceparent: string | null;
  expedited: boolean;
}

function fromRow(r: OutboxRecord): OutboxRow {
  return {
    id: r.id,
    queue: r.queue as QueueName,
    key: r.key,
    jobId: r.job_id,
    payload: r.payload,
    delayMs: r.delay_ms,
    traceparent: r.traceparent,
    expedited: r.expedited,
  };
}
