import type { FirstDecision } from '@acrouter/domain/routing/off-policy-log';
import type { CandidateView, Neighbour } from '@acrouter/domain/routing/policy';
import { isDimension } from '@acrouter/domain/task';
import { sql } from 'kysely';
import type { Executor } from './client';
import { bytesToVector } from './context-store';
import { IS_JUDGED, tasksIn, type ReportScope } from './report-store';

/** Decisions read at once: some 3 MB with their embeddings. */
const PAGE = 500;

interface Row {
  id: string;
  dimension: string;
  language: string;
  source: string | null;
  embedding: Buffer;
  neighbours: Neighbour[];
  candidates: CandidateView[];
  model: string;
  probability: number;
  attempts_left: number;
  budget_left_usd: number | null;
  cost_weight: number;
  task_score: number | null;
  task_cost: number | null;
  attempts: FirstDecision['attempts'];
}

/**
 * First decisions of the newest up to `limit` settled tasks in scope, in the order of acceptance, page by page.
 * Tasks without a first attempt, or whose decision has no probability, are left out.
 */
export async function* readFirstDecisions(
  db: Executor,
  scope: ReportScope,
  limit: number,
): AsyncGenerator<FirstDecision[]> {
  let after = await cutoff(db, scope, limit);
  for (;;) {
    const ids = await nextIds(db, scope, after);
    const last = ids.at(-1);
    if (last === undefined) return;
    yield (await readDecisions(db, ids)).flatMap(toDecision);
    after = last;
  }
}

/** Id of the newest task that is too old; the empty text when none is. Ids grow with time. */
async function cutoff(db: Executor, scope: ReportScope, limit: number): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    with ${tasksIn(scope)}
    select id from s where settled_at is not null order by id desc offset ${limit} limit 1`.execute(db);
  return rows[0]?.id ?? '';
}

async function nextIds(db: Executor, scope: ReportScope, after: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with ${tasksIn(scope)}
    select id from s where settled_at is not null and id > ${after} order by id limit ${PAGE}`.execute(db);
  return rows.map((row) => row.id);
}

async function readDecisions(db: Executor, ids: readonly string[]): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select t.id, c.dimension, c.language, t.source, c.embedding, c.neighbours, d.candidates, d.model, d.probability,
           d.attempts_left, d.budget_left_usd, d.cost_weight, t.score as task_score,
           (select case when count(*) filter (where state in ('unknown', 'sent')) = 0
                        then coalesce(sum(cost_usd), 0)::float8 end
              from ledger where task_id = t.id) as task_cost,
           (select jsonb_agg(jsonb_build_object(
                     'model', a.model, 'score', case when ${IS_JUDGED} then a.score end, 'costUsd', l.cost)
                     order by a.attempt)
              from attempts a
              cross join lateral (
                select case when count(*) filter (where state in ('unknown', 'sent')) = 0
                             and count(*) filter (where state = 'settled') > 0
                            then sum(cost_usd)::float8 end as cost
                from ledger where task_id = a.task_id and attempt = a.attempt and kind = 'completion') l
              where a.task_id = t.id) as attempts
    from tasks t join contexts c on c.task_id = t.id
    join decisions d on d.task_id = t.id and d.action = 'attempt' and d.attempt = 1
    where t.id = any(${ids}) order by t.id`.execute(db);
  return rows;
}

function toDecision(row: Row): FirstDecision[] {
  if (!isDimension(row.dimension) || !(row.probability > 0)) return [];
  return [
    {
      taskId: row.id,
      context: {
        dimension: row.dimension,
        language: row.language,
        source: row.source,
        difficulty: null,
        features: bytesToVector(row.embedding),
      },
      neighbours: row.neighbours,
      candidates: row.candidates,
      model: row.model,
      probability: row.probability,
      attemptsLeft: row.attempts_left,
      budgetLeftUsd: row.budget_left_usd,
      costWeight: row.cost_weight,
      attempts: row.attempts,
      taskScore: row.task_score,
      taskCostUsd: row.task_cost,
    },
  ];
}
