import type { CandidateView } from '@acrouter/domain/routing/policy';
import type { Price } from '@acrouter/domain/task';
import { sql } from 'kysely';
import type { Executor } from './client';
import { IS_JUDGED, tasksIn, type ReportScope } from './report-store';

/** Tasks read at once. */
const PAGE = 500;

/** One settled task with all that was decided on it and came of it. */
export interface HistoryTask {
  id: string;
  externalId: string | null;
  /** `null` unless asked for. */
  prompt: string | null;
  dimension: string;
  language: string;
  source: string | null;
  outcome: string;
  score: number | null;
  /** Of all its calls; `null`: at least one is unknown. */
  costUsd: number | null;
  costWeight: number;
  maxAttempts: number;
  acceptedAt: Date;
  settledAt: Date;
  attempts: HistoryAttempt[];
  decisions: HistoryDecision[];
}

export interface HistoryAttempt {
  attempt: number;
  model: string;
  /** `null`: nothing could tell, or no answer came. */
  score: number | null;
  /** `null`: at least one call is unknown, or none was made. */
  costUsd: number | null;
  latencyMs: number | null;
  simulated: boolean;
}

export interface HistoryDecision {
  turn: number;
  attempt: number;
  model: string;
  probability: number;
  explored: boolean;
  policy: string;
  policyVersion: string;
  candidates: CandidateView[];
  attemptsLeft: number;
}

/** All settled tasks in scope that memory has seen, in the order of acceptance, page by page. */
export async function* readHistory(
  db: Executor,
  scope: ReportScope,
  options: { prompts: boolean },
): AsyncGenerator<HistoryTask[]> {
  for (let after = ''; ;) {
    const { rows: ids } = await sql<{ id: string }>`
      with ${tasksIn(scope)}
      select id from s where settled_at is not null and id > ${after} order by id limit ${PAGE}`.execute(db);
    const last = ids.at(-1);
    if (!last) return;
    yield await readTasks(
      db,
      ids.map((row) => row.id),
      options.prompts,
    );
    after = last.id;
  }
}

async function readTasks(db: Executor, ids: readonly string[], prompts: boolean): Promise<HistoryTask[]> {
  const { rows } = await sql<HistoryTask>`
    select t.id, t.external_id as "externalId", case when ${prompts}::boolean then t.prompt end as prompt,
           c.dimension, c.language, t.source, t.outcome, t.score, t.cost_weight as "costWeight",
           t.max_attempts as "maxAttempts", t.created_at as "acceptedAt", t.settled_at as "settledAt",
           (select case when count(*) filter (where state in ('unknown', 'sent')) = 0
                        then coalesce(sum(cost_usd), 0)::float8 end
              from ledger where task_id = t.id) as "costUsd",
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'attempt', a.attempt, 'model', a.model, 'score', case when ${IS_JUDGED} then a.score end,
                     'costUsd', l.cost, 'latencyMs', a.latency_ms, 'simulated', l.simulated)
                     order by a.attempt), '[]')
              from attempts a
              cross join lateral (
                select case when count(*) filter (where state in ('unknown', 'sent')) = 0
                             and count(*) filter (where state = 'settled') > 0
                            then sum(cost_usd)::float8 end as cost,
                       coalesce(bool_or(simulated), false) as simulated
                from ledger where task_id = a.task_id and attempt = a.attempt and kind = 'completion') l
              where a.task_id = t.id) as attempts,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'turn', d.turn, 'attempt', d.attempt, 'model', d.model, 'probability', d.probability,
                     'explored', d.explored, 'policy', d.policy, 'policyVersion', d.policy_version,
                     'candidates', d.candidates, 'attemptsLeft', d.attempts_left) order by d.turn), '[]')
              from decisions d where d.task_id = t.id and d.action = 'attempt') as decisions
    from tasks t join contexts c on c.task_id = t.id
    where t.id = any(${ids}) order by t.id`.execute(db);
  return rows;
}

/** The newest known price of each model that a tenant's calls went to, USD per million tokens. */
export async function readLastPrices(
  db: Executor,
  tenantId: string,
): Promise<{ model: string; price: Price }[]> {
  const { rows } = await sql<{ model: string; price: Price }>`
    select distinct on (model) model, price from ledger
    where tenant_id = ${tenantId} and price ? 'inputPerMillion' and kind = 'completion'
    order by model, created_at desc`.execute(db);
  return rows;
}
