import type { MessageOf, QueueName } from '@acrouter/contracts/catalogue';
import { jobIdOf } from '@acrouter/contracts/job-id';
import { sql, type RawBuilder } from 'kysely';
import type { Executor } from './client';
import { plannedOnce } from './planned-once';
import { json } from './postgres-text';

/** A message to be published once the surrounding transaction has committed. */
export interface OutgoingMessage<Q extends QueueName = QueueName> {
  queue: Q;
  message: MessageOf<Q>;
  /** Key of a keyed queue (the model of `execute`). */
  key?: string;
  delayMs?: number;
  traceparent: string | null;
  /** As its task is: goes before the messages that wait. */
  expedited: boolean;
}

/** What all messages of one task carry; every task's row has it. */
export type TaskMarks = Pick<OutgoingMessage, 'traceparent' | 'expedited'>;

export const marksOf = ({ traceparent, expedited }: TaskMarks): TaskMarks => ({ traceparent, expedited });

/** A message as the outbox keeps it. */
interface StoredMessage {
  queue: QueueName;
  key: string | null;
  jobId: string;
  payload: Record<string, unknown>;
  delayMs: number;
  traceparent: string | null;
  expedited: boolean;
}

/** The messages of one transaction: one row, forgotten when the last of them is published. */
export interface OutboxGroup {
  id: number;
  /** Messages of it that the queue has not taken yet. */
  open: number;
}

export type OutboxRow = StoredMessage & { group: OutboxGroup };

/**
 * Writes messages into the outbox; returns them as rows, in their order, to hand to the relay after the commit.
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
  const stored = messages.map(toStored);
  if (only === 'first') return enqueueFirst(trx, stored, steps);
  const { rows } = await sql<{ id: number }>`
    ${plannedOnce} ${withSteps(steps)}
    insert into outbox_groups (messages)
    select ${json(stored)}::json where ${stored.length > 0}::boolean
    returning id`.execute(trx);
  return grouped(rows[0]?.id, stored);
}

async function enqueueFirst(
  trx: Executor,
  stored: readonly StoredMessage[],
  steps: readonly RawBuilder<unknown>[],
): Promise<OutboxRow[]> {
  const { rows } = await sql<{ id: number; tasks: string[] }>`
    ${withSteps(steps)},
    kept as (
      select json_agg(m order by n) as messages, array_agg(m->'payload'->>'taskId') as tasks
      from json_array_elements(${json(stored)}::json) with ordinality as r(m, n)
      where m->'payload'->>'taskId' in (select task_id from step_0)
    )
    insert into outbox_groups (messages) select messages from kept where messages is not null
    returning id, (select tasks from kept) as tasks`.execute(trx);
  const tasks = new Set(rows[0]?.tasks);
  return grouped(
    rows[0]?.id,
    stored.filter((m) => tasks.has(String(m.payload['taskId']))),
  );
}

function toStored(m: OutgoingMessage): StoredMessage {
  return {
    queue: m.queue,
    key: m.key ?? null,
    jobId: jobIdOf(m.queue, m.message),
    payload: m.message,
    delayMs: m.delayMs ?? 0,
    traceparent: m.traceparent,
    expedited: m.expedited,
  };
}

function grouped(id: number | undefined, stored: readonly StoredMessage[]): OutboxRow[] {
  if (id === undefined) return [];
  const group = { id, open: stored.length };
  return stored.map((message) => ({ ...message, group }));
}

function withSteps(steps: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  if (steps.length === 0) return sql``;
  return sql`with ${sql.join(steps.map((step, i) => sql`${sql.raw(`step_${i}`)} as (${step})`))}`;
}

/**
 * Messages of up to `limit` transactions that were committed but, for at least `olderThanMs`, not all published: their
 * process died between the two. Rows that another relay holds are skipped; run inside a transaction that ends
 * after `forgetGroups`.
 */
export async function takeForgotten(trx: Executor, olderThanMs: number, limit: number): Promise<OutboxRow[]> {
  const rows = await trx
    .selectFrom('outbox_groups')
    .select(['id', 'messages'])
    .where('created_at', '<', sql<Date>`now() - ${olderThanMs} * interval '1 millisecond'`)
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute();
  return rows.flatMap(({ id, messages }) => grouped(id, messages as StoredMessage[]));
}

/** Forgets groups whose messages the queue has taken. */
export async function forgetGroups(db: Executor, ids: readonly number[]): Promise<void> {
  if (ids.length > 0)
    await db
      .deleteFrom('outbox_groups')
      .where(sql<boolean>`id = any(${[...ids]})`)
      .execute();
}
