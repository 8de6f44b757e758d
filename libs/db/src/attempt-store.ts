import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Executor } from './client';
import { json } from './postgres-text';
import { rowSet } from './row-set';
import type { Timing } from './timing';
import type { AttemptsTable, AttemptStatus } from './tables';

/**
 * One row per (task, attempt). The executor works on it under a lease: only the holder of the newest lease may
 * write, so a worker that was thought dead and comes back is refused, not merged (must 4).
 */
export type AttemptRow = Selectable<AttemptsTable>;

/** Statement that adds the rows of decided attempts. Repeating it changes nothing. */
export function attemptsStep(
  attempts: readonly { taskId: string; attempt: number; model: string }[],
): RawBuilder<unknown> {
  return sql`
    insert into attempts (task_id, attempt, model, status)
    select "taskId", attempt, model, 'executing'
    from ${rowSet(attempts, '"taskId" text, attempt int, model text')}
    on conflict do nothing`;
}

/** Adds the row of one decided attempt. */
export async function insertAttempt(
  trx: Executor,
  taskId: string,
  attempt: number,
  model: string,
): Promise<void> {
  await attemptsStep([{ taskId, attempt, model }]).execute(trx);
}

export function loadAttempt(db: Executor, taskId: string, attempt: number): Promise<AttemptRow | undefined> {
  return db
    .selectFrom('attempts')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .executeTakeFirst();
}

export function attemptsOf(db: Executor, taskId: string): Promise<AttemptRow[]> {
  return db.selectFrom('attempts').selectAll().where('task_id', '=', taskId).orderBy('attempt').execute();
}

/** Models that refused a task's prompt in an earlier attempt, by task. */
export async function refusalsOf(db: Executor, taskIds: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ task_id: string; models: string[] }>`
    select task_id, array_agg(model) as models from attempts
    where task_id = any(${[...taskIds]}) and error->>'code' = 'ACR_PROVIDER_REFUSED'
    group by task_id`.execute(db);
  return new Map(rows.map((r) => [r.task_id, r.models]));
}

/** What the loop needs to know of an attempt: how far it is, its verdict, and its money by the ledger. */
export type AttemptFacts = Pick<
  AttemptRow,
  'task_id' | 'attempt' | 'status' | 'score' | 'passed' | 'verdict'
> & {
  costUsd: number;
  heldUsd: number;
};

/** Facts of attempts, in no order; those that do not exist are not in it. */
export async function attemptFacts(
  db: Executor,
  keys: readonly { taskId: string; attempt: number }[],
): Promise<AttemptFacts[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<AttemptFacts>`
    select a.task_id, a.attempt, a.status, a.score, a.passed, a.verdict, m."costUsd", m."heldUsd"
    from ${rowSet(keys, '"taskId" text, attempt int')}
    join attempts a on a.task_id = r."taskId" and a.attempt = r.attempt
    cross join lateral (
      select coalesce(sum(cost_usd), 0) as "costUsd", coalesce(sum(held_usd), 0) as "heldUsd"
      from ledger l where l.task_id = a.task_id and l.attempt = a.attempt) m`.execute(db);
  return rows;
}

/** What an executor learnt from a provider. */
export interface AnsweredAttempt {
  answer: string;
  responseModel: string | null;
  finishReason: string | null;
  inputTokens: number | null;
  outputTokens: number | null;
  cachedInputTokens: number | null;
  reasoningTokens: number | null;
  latencyMs: number;
}

/** An answer to be stored under a lease. */
export type LeasedAnswer = AnsweredAttempt &
  Partial<Timing> & { taskId: string; attempt: number; token: string };

/**
 * Statement that stores answers, each with its money from the ledger, which is the truth of it. It returns
 * (task_id) of those that were stored: of the others the lease is no longer theirs, and nothing is written. One
 * attempt per task.
 */
export function answersStep(answers: readonly LeasedAnswer[]): RawBuilder<{ task_id: string }> {
  return sql`
    update attempts a set status = 'answered', answer = r.answer, response_model = r."responseModel",
      finish_reason = r."finishReason", input_tokens = r."inputTokens", output_tokens = r."outputTokens",
      cached_input_tokens = r."cachedInputTokens", reasoning_tokens = r."reasoningTokens",
      latency_ms = r."latencyMs", answered_at = now(), lease_token = null, lease_until = null,
      cost_usd = m.cost, unknown_calls = m.unknown, execute_wait_ms = r."waitMs", execute_work_ms = r."workMs"
    from ${rowSet(answers, ANSWER_COLUMNS)}
    cross join lateral (
      select sum(cost_usd) as cost, count(*) filter (where state = 'unknown') as unknown from ledger l
      where l.task_id = r."taskId" and l.attempt = r.attempt and l.kind = 'completion') m
    where a.task_id = r."taskId" and a.attempt = r.attempt and a.status = 'executing' and a.lease_token = r.token
    returning a.task_id`;
}

/** Stores one answer; false when the lease is no longer ours and nothing was written. */
export async function storeAnswer(
  trx: Executor,
  taskId: string,
  attempt: number,
  token: string,
  answer: AnsweredAttempt,
): Promise<boolean> {
  const { rows } = await answersStep([{ ...answer, taskId, attempt, token }]).execute(trx);
  return rows.length > 0;
}

const ANSWER_COLUMNS = `"taskId" text, attempt int, token text, answer text, "responseModel" text,
  "finishReason" text, "inputTokens" int, "outputTokens" int, "cachedInputTokens" int, "reasoningTokens" int,
  "latencyMs" float8, "waitMs" float8, "workMs" float8`;

/** Ends an attempt that got no answer; false when the lease is no longer ours and nothing was written. */
export async function endWithoutAnswer(
  trx: Executor,
  taskId: string,
  attempt: number,
  token: string,
  status: Extract<AttemptStatus, 'outage' | 'over-budget' | 'cancelled'>,
  error: { code: string; message: string },
  timing?: Timing,
): Promise<boolean> {
  const row = await trx
    .updateTable('attempts')
    .set({ status, error: json(error), lease_token: null, lease_until: null, answered_at: sql<Date>`now()` })
    .set(timing ? { execute_wait_ms: timing.waitMs, execute_work_ms: timing.workMs } : {})
    .where(isMine(taskId, attempt, token))
    .returning('attempt')
    .executeTakeFirst();
  if (row) await copyMoney(trx, taskId, attempt);
  return row !== undefined;
}

/** Ends an attempt that no executor will ever take, as an outage; one that is being worked on is left alone. */
export async function endUntaken(
  trx: Executor,
  taskId: string,
  attempt: number,
  error: { code: string; message: string },
): Promise<void> {
  await trx
    .updateTable('attempts')
    .set({ status: 'outage', error: json(error), answered_at: sql<Date>`now()` })
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'executing')
    .where(sql<boolean>`(lease_until is null or lease_until < now())`)
    .execute();
}

/** Ends the attempt in flight of a cancelled task, whoever works on it. */
export async function abandonAttempt(trx: Executor, taskId: string, attempt: number): Promise<void> {
  await trx
    .updateTable('attempts')
    .set({ status: 'cancelled', lease_token: null, lease_until: null })
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', 'in', ['executing', 'answered', 'verified'])
    .execute();
}

/** A verdict as it is stored: libs/domain verification gives it its shape. */
export interface StoredVerdict {
  passed: boolean;
  score: number;
  confidence: number;
  signals: unknown[];
  /** The rest of the verdict: status, language, sandbox, durations. */
  verdict: Record<string, unknown>;
}

/**
 * Statement that stores verdicts of answered attempts, each once; the first write wins. It returns (task_id) of
 * those that were stored. One attempt per task.
 */
export function verdictsStep(
  verdicts: readonly (StoredVerdict & Partial<Timing> & { taskId: string; attempt: number })[],
): RawBuilder<{ task_id: string }> {
  const rows = verdicts.map((v) => ({ ...v, status: 'answered' }));
  return sql`
    update attempts a set status = 'verified', passed = r.passed, score = r.score, confidence = r.confidence,
      signals = r.signals, verdict = r.verdict, verified_at = now(), verify_wait_ms = r."waitMs",
      verify_work_ms = r."workMs"
    from ${rowSet(rows, VERDICT_COLUMNS)}
    where a.task_id = r."taskId" and a.attempt = r.attempt and a.status = r.status
    returning a.task_id`;
}

const VERDICT_COLUMNS = `"taskId" text, attempt int, status text, passed boolean, score float8, confidence float8, signals jsonb,
  verdict jsonb, "waitMs" float8, "workMs" float8`;

/** Stores one verdict; false when the attempt had one already. */
export async function storeVerdict(
  trx: Executor,
  taskId: string,
  attempt: number,
  verdict: StoredVerdict,
): Promise<boolean> {
  const { rows } = await verdictsStep([{ ...verdict, taskId, attempt }]).execute(trx);
  return rows.length > 0;
}

/** Copies the answer's money from the ledger, which is the truth of it; what checking costs is not the model's. */
async function copyMoney(trx: Executor, taskId: string, attempt: number): Promise<void> {
  await sql`
    update attempts a set cost_usd = m.cost, unknown_calls = m.unknown
    from (select sum(cost_usd) as cost, count(*) filter (where state = 'unknown') as unknown
          from ledger where task_id = ${taskId} and attempt = ${attempt} and kind = 'completion') m
    where a.task_id = ${taskId} and a.attempt = ${attempt}`.execute(trx);
}

/** SQL: whether an attempt is being worked on under this token. */
export const isMine = (taskId: string, attempt: number, token: string) =>
  sql<boolean>`task_id = ${taskId} and attempt = ${attempt} and status = 'executing' and lease_token = ${token}`;
