import { sql, type Selectable } from 'kysely';
import { json, text, type Executor } from './client';
import type { AttemptsTable, AttemptStatus } from './tables';

/**
 * One row per (task, attempt). The executor works on it under a lease: only the holder of the newest lease may
 * write, so a worker that was thought dead and comes back is refused, not merged (must 4).
 */
export type AttemptRow = Selectable<AttemptsTable>;

/** Adds the row of a decided attempt. Repeating it changes nothing. */
export async function insertAttempt(
  trx: Executor,
  taskId: string,
  attempt: number,
  model: string,
): Promise<void> {
  await trx
    .insertInto('attempts')
    .values({ task_id: taskId, attempt, model, status: 'executing' })
    .onConflict((c) => c.doNothing())
    .execute();
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

/** - `claimed`: the lease is ours · `held`: somebody else's, until `until` · `over`: no longer executing, or no such row */
export type Claim =
  | { kind: 'claimed'; row: AttemptRow }
  | { kind: 'held'; until: Date }
  | { kind: 'over'; row: AttemptRow | undefined };

/** Takes the lease of an executing attempt for `leaseMs`, unless another holder's lease still runs. */
export async function claimAttempt(
  db: Executor,
  taskId: string,
  attempt: number,
  token: string,
  leaseMs: number,
): Promise<Claim> {
  const row = await db
    .updateTable('attempts')
    .set({
      lease_token: token,
      lease_until: sql<Date>`now() + ${leaseMs} * interval '1 millisecond'`,
      started_at: sql<Date>`coalesce(started_at, now())`,
    })
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'executing')
    .where(sql<boolean>`(lease_token is null or lease_token = ${token} or lease_until < now())`)
    .returningAll()
    .executeTakeFirst();
  if (row) return { kind: 'claimed', row };
  const current = await loadAttempt(db, taskId, attempt);
  if (current?.status === 'executing' && current.lease_until)
    return { kind: 'held', until: current.lease_until };
  return { kind: 'over', row: current };
}

/** Prolongs the lease; false when it is no longer ours: stop working, nothing we write will count. */
export async function renewLease(
  db: Executor,
  taskId: string,
  attempt: number,
  token: string,
  leaseMs: number,
): Promise<boolean> {
  const row = await db
    .updateTable('attempts')
    .set({ lease_until: sql<Date>`now() + ${leaseMs} * interval '1 millisecond'` })
    .where(isMine(taskId, attempt, token))
    .returning('attempt')
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives the lease back before its time, so that a redelivery need not wait for it to run out. */
export async function dropLease(db: Executor, taskId: string, attempt: number, token: string): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ lease_token: null, lease_until: null })
    .where(isMine(taskId, attempt, token))
    .execute();
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

/** Stores the answer; false when the lease is no longer ours and nothing was written. */
export async function storeAnswer(
  trx: Executor,
  taskId: string,
  attempt: number,
  token: string,
  a: AnsweredAttempt,
): Promise<boolean> {
  const row = await trx
    .updateTable('attempts')
    .set({
      status: 'answered',
      answer: text(a.answer),
      response_model: a.responseModel,
      finish_reason: a.finishReason,
      input_tokens: a.inputTokens,
      output_tokens: a.outputTokens,
      cached_input_tokens: a.cachedInputTokens,
      reasoning_tokens: a.reasoningTokens,
      latency_ms: a.latencyMs,
      answered_at: sql<Date>`now()`,
      lease_token: null,
      lease_until: null,
    })
    .where(isMine(taskId, attempt, token))
    .returning('attempt')
    .executeTakeFirst();
  if (row) await copyMoney(trx, taskId, attempt);
  return row !== undefined;
}

/** Ends an attempt that got no answer; false when the lease is no longer ours and nothing was written. */
export async function endWithoutAnswer(
  trx: Executor,
  taskId: string,
  attempt: number,
  token: string,
  status: Extract<AttemptStatus, 'outage' | 'over-budget' | 'cancelled'>,
  error: { code: string; message: string },
): Promise<boolean> {
  const row = await trx
    .updateTable('attempts')
    .set({ status, error: json(error), lease_token: null, lease_until: null, answered_at: sql<Date>`now()` })
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

/** Stores the verdict of an answered attempt, once; the first write wins. Returns whether this was it. */
export async function storeVerdict(
  trx: Executor,
  taskId: string,
  attempt: number,
  v: StoredVerdict,
): Promise<boolean> {
  const row = await trx
    .updateTable('attempts')
    .set({
      status: 'verified',
      passed: v.passed,
      score: v.score,
      confidence: v.confidence,
      signals: json(v.signals),
      verdict: json(v.verdict),
      verified_at: sql<Date>`now()`,
    })
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'answered')
    .returning('attempt')
    .executeTakeFirst();
  return row !== undefined;
}

/** Marks a verified attempt as learnt from; false when it was already, or is not verified. */
export async function markRecorded(trx: Executor, taskId: string, attempt: number): Promise<boolean> {
  const row = await trx
    .updateTable('attempts')
    .set({ status: 'recorded', recorded_at: sql<Date>`now()` })
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'verified')
    .returning('attempt')
    .executeTakeFirst();
  return row !== undefined;
}

/** Copies the answer's money from the ledger, which is the truth of it; what checking costs is not the model's. */
async function copyMoney(trx: Executor, taskId: string, attempt: number): Promise<void> {
  await sql`
    update attempts a set cost_usd = m.cost, unknown_calls = m.unknown
    from (select sum(cost_usd) as cost, count(*) filter (where state = 'unknown') as unknown
          from ledger where task_id = ${taskId} and attempt = ${attempt} and kind = 'completion') m
    where a.task_id = ${taskId} and a.attempt = ${attempt}`.execute(trx);
}

const isMine = (taskId: string, attempt: number, token: string) =>
  sql<boolean>`task_id = ${taskId} and attempt = ${attempt} and status = 'executing' and lease_token = ${token}`;
