import type { PairCount, PairRow } from '@acrouter/domain/verification/calibration';
import type { SignalKind } from '@acrouter/domain/verification/signals';
import { sql } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';
import type { CallKind } from './ledger-store';

/** A reply that a check paid for. */
export interface Opinion {
  taskId: string;
  attempt: number;
  kind: CallKind;
  tenantId: string;
  model: string;
  /** The ledger line's number. */
  call: number;
  /** What the reply had to repeat; see libs/domain verification/judge.ts. */
  nonce: string;
  reply: string;
}

/** The stored reply of one kind on one attempt, with what it cost (`null` = unknown); `undefined` before there is one. */
export async function loadOpinion(
  db: Executor,
  key: Pick<Opinion, 'taskId' | 'attempt' | 'kind'>,
): Promise<(Pick<Opinion, 'model' | 'nonce' | 'reply'> & { costUsd: number | null }) | undefined> {
  return db
    .selectFrom('opinions as o')
    .leftJoin('ledger as l', (j) =>
      j
        .onRef('l.task_id', '=', 'o.task_id')
        .onRef('l.attempt', '=', 'o.attempt')
        .onRef('l.kind', '=', 'o.kind')
        .onRef('l.call', '=', 'o.call'),
    )
    .select(['o.model', 'o.nonce', 'o.reply', 'l.cost_usd as costUsd'])
    .where('o.task_id', '=', key.taskId)
    .where('o.attempt', '=', key.attempt)
    .where('o.kind', '=', key.kind)
    .executeTakeFirst();
}

/** Replies of a task's samples, whichever attempt's check asked for them, oldest first. */
export function loadSamples(db: Executor, taskId: string): Promise<{ kind: string; reply: string }[]> {
  return db
    .selectFrom('opinions')
    .select(['kind', 'reply'])
    .where('task_id', '=', taskId)
    .where('kind', 'like', 'sample-%')
    .orderBy('created_at')
    .orderBy('kind')
    .execute();
}

/** Keeps a reply; the first of its kind on an attempt counts, a repetition changes nothing. */
export async function storeOpinion(trx: Executor, o: Opinion): Promise<void> {
  await trx
    .insertInto('opinions')
    .values({
      task_id: o.taskId,
      attempt: o.attempt,
      kind: o.kind,
      tenant_id: o.tenantId,
      model: o.model,
      call: o.call,
      nonce: o.nonce,
      reply: text(o.reply),
    })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** What a signal said of an answer whose truth given tests showed. */
export interface CalibrationPair {
  kind: SignalKind;
  /** The judge's model; '' for signals that nobody speaks. */
  source: string;
  /** In [0, 1]. */
  said: number;
}

/** Keeps the pairs of one attempt. Repeating it changes nothing. */
export async function storePairs(
  trx: Executor,
  of: { taskId: string; attempt: number; tenantId: string; dimension: string; wasRight: boolean },
  pairs: readonly CalibrationPair[],
): Promise<void> {
  if (pairs.length === 0) return;
  await trx
    .insertInto('calibration_pairs')
    .values(
      pairs.map(({ kind, source, said }) => ({
        task_id: of.taskId,
        attempt: of.attempt,
        kind,
        source,
        tenant_id: of.tenantId,
        dimension: of.dimension,
        said,
        was_right: of.wasRight,
      })),
    )
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Pairs that count per signal, source and dimension: the newest, since judges and answers change. */
const NEWEST = 2_000;

/** A tenant's pairs, counted by signal, source, dimension and what was said (in steps of a tenth). */
export async function readPairs(db: Executor, tenantId: string): Promise<PairRow[]> {
  const { rows } = await sql<PairRow>`
    select kind, source, dimension, round(said::numeric, 1)::float8 as said,
           count(*) filter (where was_right) as "right", count(*) filter (where not was_right) as wrong
    from (select *, row_number() over (partition by kind, source, dimension order by created_at desc) as age
          from calibration_pairs where tenant_id = ${tenantId}) p
    where age <= ${NEWEST} group by 1, 2, 3, 4 order by 1, 2, 3, 4`.execute(db);
  return rows;
}

/** Of {@link readAllPairs}, per tenant: enough for a figure on a dashboard, and little to read. */
const NEWEST_PER_TENANT = 500;

/** All tenants' newest pairs of one signal, counted by what was said (in steps of a tenth), for operators. */
export async function readAllPairs(
  db: Executor,
  { kind, source }: Pick<CalibrationPair, 'kind' | 'source'>,
): Promise<PairCount[]> {
  // Whoever was let into the loop has a share, and so a row; the index then gives the newest of each.
  const { rows } = await sql<PairCount>`
    select round(p.said::numeric, 1)::float8 as said,
           (count(*) filter (where p.was_right))::int as "right",
           (count(*) filter (where not p.was_right))::int as wrong
    from tenant_shares s
    cross join lateral (
      select said, was_right from calibration_pairs
      where tenant_id = s.tenant_id and kind = ${kind} and source = ${source}
      order by created_at desc limit ${NEWEST_PER_TENANT}) p
    group by 1 order by 1`.execute(db);
  return rows;
}
