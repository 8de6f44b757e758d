import type { AttemptView, TaskPage, TaskStatus, TaskSummary, TaskView } from '@acrouter/contracts/http';
import { priorityOf } from '@acrouter/domain/admission';
import { sql, type Selectable } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';
import { knownCost } from './run-reads';
import type { AttemptsTable, TasksTable } from './tables';

/** Views of tasks for the API; nothing here changes anything. Money comes from the ledger, which is its truth. */

type TaskFacts = Pick<
  Selectable<TasksTable>,
  | 'id'
  | 'external_id'
  | 'run_id'
  | 'phase'
  | 'outcome'
  | 'solved'
  | 'score'
  | 'final_attempt'
  | 'cancel_requested_at'
  | 'created_at'
  | 'settled_at'
> & { dimension: string | null; language: string | null };

type AttemptFacts = Pick<
  Selectable<AttemptsTable>,
  | 'task_id'
  | 'attempt'
  | 'model'
  | 'status'
  | 'score'
  | 'passed'
  | 'confidence'
  | 'input_tokens'
  | 'output_tokens'
  | 'latency_ms'
  | 'error'
  | 'decided_at'
  | 'verified_at'
> & {
  conclusive: boolean | null;
  cost_usd: number;
  known_calls: number;
  unknown_calls: number;
  simulated: boolean;
};

export interface TaskFilter {
  externalId?: string | undefined;
  runId?: string | undefined;
  settled?: boolean | undefined;
  order: 'newest-first' | 'oldest-first';
  limit: number;
  /** Id of the last task of the page before. */
  cursor?: string | undefined;
  withAnswers: boolean;
}

/** One page of a tenant's tasks with their attempts. Ids are UUIDs of version 7, so their order is that of time. */
export async function listTasks(db: Executor, tenantId: string, filter: TaskFilter): Promise<TaskPage> {
  const newest = filter.order === 'newest-first';
  let query = selectFacts(db, tenantId)
    .orderBy('t.id', newest ? 'desc' : 'asc')
    .limit(filter.limit + 1);
  if (filter.runId !== undefined) query = query.where('t.run_id', '=', filter.runId);
  if (filter.externalId !== undefined) query = query.where('t.external_id', '=', text(filter.externalId));
  if (filter.settled !== undefined)
    query = query.where('t.settled_at', filter.settled ? 'is not' : 'is', null);
  if (filter.cursor !== undefined) query = query.where('t.id', newest ? '<' : '>', filter.cursor);
  const found = await query.execute();
  const tasks = found.slice(0, filter.limit);
  const ids = tasks.map((t) => t.id);
  const attempts = await attemptFacts(db, ids);
  const answers = filter.withAnswers ? await answersOf(db, ids) : null;
  const views = tasks.map((t) => {
    const summary = toSummary(t, attempts.get(t.id) ?? []);
    return answers ? { ...summary, answer: answers.get(t.id) ?? null } : summary;
  });
  const more = found.length > filter.limit;
  return { tasks: views, nextCursor: more ? (tasks.at(-1)?.id ?? null) : null };
}

/** One task with all that is known of it but its prompt; `undefined` when this tenant has no such task. */
export async function readTask(db: Executor, tenantId: string, id: string): Promise<TaskView | undefined> {
  const task = await selectFacts(db, tenantId)
    .select(['t.max_attempts', 't.max_cost_usd', 't.deadline_at', 't.cost_weight', 't.metadata'])
    .select(['t.priority', 't.erased_at'])
    .where('t.id', '=', id)
    .executeTakeFirst();
  if (!task) return undefined;
  const attempts = (await attemptFacts(db, [id])).get(id) ?? [];
  const final = await db
    .selectFrom('attempts')
    .select(['answer', 'signals'])
    .where('task_id', '=', id)
    .where('attempt', '=', task.final_attempt ?? 0)
    .executeTakeFirst();
  return {
    ...toSummary(task, attempts),
    answer: final?.answer ?? null,
    limits: {
      maxAttempts: task.max_attempts,
      maxCostUsd: task.max_cost_usd,
      deadlineAt: task.deadline_at?.toISOString() ?? null,
      costWeight: task.cost_weight,
    },
    metadata: task.metadata,
    priority: priorityOf(task.priority),
    erasedAt: task.erased_at?.toISOString() ?? null,
    signals: final?.signals ?? null,
    timings: await timingsOf(db, id),
  };
}

/** The attempts of one task as the API shows them. */
export async function attemptViewsOf(db: Executor, taskId: string): Promise<AttemptView[]> {
  return ((await attemptFacts(db, [taskId])).get(taskId) ?? []).map(toAttemptView);
}

/** A task's phase in the API's words. */
export function statusOf(phase: TaskFacts['phase']): TaskStatus {
  if (phase === 'settled') return 'settled';
  return phase === 'context' ? 'queued' : 'running';
}

/** The dimension and language are those given, or else what memory inferred. */
function selectFacts(db: Executor, tenantId: string) {
  return db
    .selectFrom('tasks as t')
    .leftJoin('contexts as c', 'c.task_id', 't.id')
    .select([
      't.id',
      't.external_id',
      't.run_id',
      't.phase',
      't.outcome',
      't.solved',
      't.score',
      't.final_attempt',
      't.cancel_requested_at',
      't.created_at',
      't.settled_at',
    ])
    .select([
      sql<string | null>`coalesce(t.dimension, c.dimension)`.as('dimension'),
      sql<string | null>`coalesce(t.language, c.language)`.as('language'),
    ])
    .where('t.tenant_id', '=', tenantId);
}

async function attemptFacts(db: Executor, ids: readonly string[]): Promise<Map<string, AttemptFacts[]>> {
  const byTask = new Map<string, AttemptFacts[]>();
  if (ids.length === 0) return byTask;
  const { rows } = await sql<AttemptFacts>`
    select a.task_id, a.attempt, a.model, a.status, a.score, a.passed, a.confidence, a.input_tokens, a.output_tokens,
           a.latency_ms, a.error, a.decided_at, a.verified_at, (a.verdict->>'conclusive')::boolean as conclusive, l.cost_usd, l.known_calls, l.unknown_calls, l.simulated
    from attempts a
    cross join lateral (
      select coalesce(sum(cost_usd), 0) as cost_usd, count(*) filter (where state = 'settled') as known_calls,
             count(*) filter (where state = 'unknown') as unknown_calls,
             coalesce(bool_or(simulated), false) as simulated
      from ledger where task_id = a.task_id and attempt = a.attempt) l
    where a.task_id = any(${[...ids]})
    order by a.task_id, a.attempt`.execute(db);
  for (const row of rows) {
    const list = byTask.get(row.task_id);
    if (list) list.push(row);
    else byTask.set(row.task_id, [row]);
  }
  return byTask;
}

async function answersOf(db: Executor, ids: readonly string[]): Promise<Map<string, string | null>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('tasks as t')
    .innerJoin('attempts as a', (j) =>
      j.onRef('a.task_id', '=', 't.id').onRef('a.attempt', '=', 't.final_attempt'),
    )
    .select(['t.id', 'a.answer'])
    .where(sql<boolean>`t.id = any(${[...ids]})`)
    .execute();
  return new Map(rows.map((r) => [r.id, r.answer]));
}

async function timingsOf(db: Executor, taskId: string): Promise<TaskView['timings']> {
  const rows = await db
    .selectFrom('stage_times')
    .select(['turn', 'stage', 'wait_ms', 'work_ms'])
    .where('task_id', '=', taskId)
    .orderBy('turn')
    .orderBy('at')
    .execute();
  return rows.map((r) => ({ turn: r.turn, stage: r.stage, waitMs: r.wait_ms, workMs: r.work_ms }));
}

function toSummary(t: TaskFacts, attempts: readonly AttemptFacts[]): TaskSummary {
  const sum = (of: (a: AttemptFacts) => number) => attempts.reduce((total, a) => total + of(a), 0);
  const unknownCalls = sum((a) => a.unknown_calls);
  return {
    id: t.id,
    externalId: t.external_id,
    runId: t.run_id,
    status: statusOf(t.phase),
    outcome: t.outcome,
    solved: t.solved,
    score: t.score,
    model: attempts.find((a) => a.attempt === t.final_attempt)?.model ?? null,
    dimension: t.dimension,
    language: t.language,
    attempts: attempts.map(toAttemptView),
    costUsd: knownCost(
      sum((a) => a.cost_usd),
      sum((a) => a.known_calls),
      unknownCalls,
    ),
    unknownCalls,
    simulated: attempts.some((a) => a.simulated),
    cancelRequested: t.cancel_requested_at !== null,
    createdAt: t.created_at.toISOString(),
    settledAt: t.settled_at?.toISOString() ?? null,
    durationMs: t.settled_at ? t.settled_at.getTime() - t.created_at.getTime() : null,
  };
}

function toAttemptView(a: AttemptFacts): AttemptView {
  const saysNothing = a.conclusive === false;
  return {
    attempt: a.attempt,
    model: a.model,
    status: a.status,
    score: saysNothing ? null : a.score,
    passed: saysNothing ? null : a.passed,
    confidence: a.confidence,
    costUsd: knownCost(a.cost_usd, a.known_calls, a.unknown_calls),
    unknownCalls: a.unknown_calls,
    inputTokens: a.input_tokens,
    outputTokens: a.output_tokens,
    latencyMs: a.latency_ms,
    error: a.error,
    decidedAt: a.decided_at.toISOString(),
    verifiedAt: a.verified_at?.toISOString() ?? null,
  };
}
