import type { LatencyReport, ModelReport, PercentilesView, Report } from '@acrouter/contracts/http-report';
import type { ReportTask } from '@acrouter/domain/report';
import { sql, type RawBuilder } from 'kysely';
import type { Executor } from './client';
import { knownCost } from './run-reads';

/** The facts behind `GET /v1/report`, counted by Postgres; what is estimated from them is libs/domain report.ts. */

/** Which tasks a report is about: all of a tenant (`null`: of all tenants, for metrics only), less what the other fields leave out. Times are of acceptance. */
export interface ReportScope {
  tenantId: string | null;
  runId: string | null;
  since: Date | null;
  until: Date | null;
  dimension: string | null;
}

/** SQL of a common table `s`: the tasks in scope, with the dimension given or else inferred. */
export function tasksIn(scope: ReportScope): RawBuilder<unknown> {
  const conditions = [
    scope.tenantId === null ? sql`true` : sql`t.tenant_id = ${scope.tenantId}`,
    ...(scope.runId === null ? [] : [sql`t.run_id = ${scope.runId}`]),
    ...(scope.since === null ? [] : [sql`t.created_at >= ${scope.since}`]),
    ...(scope.until === null ? [] : [sql`t.created_at < ${scope.until}`]),
    ...(scope.dimension === null ? [] : [sql`coalesce(t.dimension, c.dimension) = ${scope.dimension}`]),
  ];
  return sql`s as (
    select t.id, t.outcome, t.solved, t.score, t.cost_weight, t.created_at, t.settled_at, t.final_attempt,
           coalesce(t.dimension, c.dimension) as dimension
    from tasks t left join contexts c on c.task_id = t.id where ${sql.join(conditions, sql` and `)})`;
}

/** SQL: whether attempt `a` has a verdict that says something. */
export const IS_JUDGED = sql<boolean>`(a.status in ('verified', 'recorded') and a.score is not null
  and coalesce((a.verdict->>'conclusive')::boolean, true))`;

type Totals = Pick<Report, 'tasks' | 'cost' | 'escalations' | 'exploredShare' | 'simulated' | 'unsafeChecks'>;

/** Counts and sums over all tasks in scope. */
export async function readTotals(db: Executor, scope: ReportScope): Promise<Totals> {
  const [tasks, calls, attempts] = await Promise.all([
    taskTotals(db, scope),
    callTotals(db, scope),
    attemptTotals(db, scope),
  ]);
  return {
    tasks: {
      ...tasks,
      solvedShare: tasks.settled === 0 ? null : tasks.solved / tasks.settled,
      attemptsPerTask:
        attempts.settled_tasks === 0 ? null : attempts.settled_attempts / attempts.settled_tasks,
    },
    cost: {
      knownUsd: knownCost(calls.cost, calls.known, calls.unknown),
      calls: calls.calls,
      unknownCalls: calls.unknown,
      inputTokens: calls.input,
      cachedInputTokens: calls.cached,
      outputTokens: calls.output,
      reasoningTokens: calls.reasoning,
      verification: {
        knownUsd: knownCost(calls.check_cost, calls.check_known, calls.check_unknown),
        calls: calls.check_calls,
        unknownCalls: calls.check_unknown,
      },
    },
    escalations: attempts.escalations,
    exploredShare: attempts.decided === 0 ? null : attempts.explored / attempts.decided,
    simulated: calls.simulated === 0 ? 'none' : calls.simulated === calls.calls ? 'all' : 'some',
    unsafeChecks: attempts.unsafe,
  };
}

async function taskTotals(db: Executor, scope: ReportScope) {
  const { rows } = await sql<{
    total: number;
    settled: number;
    solved: number;
    outcomes: Record<string, number>;
    average_score: number | null;
  }>`
    with ${tasksIn(scope)}
    select count(*) as total, count(settled_at) as settled, count(*) filter (where solved) as solved,
           avg(score) filter (where settled_at is not null) as average_score,
           (select coalesce(jsonb_object_agg(outcome, n), '{}') from
             (select outcome, count(*) as n from s where outcome is not null group by outcome) o) as outcomes
    from s`.execute(db);
  const row = rows[0];
  return {
    total: row?.total ?? 0,
    settled: row?.settled ?? 0,
    solved: row?.solved ?? 0,
    outcomes: row?.outcomes ?? {},
    averageScore: row?.average_score ?? null,
  };
}

/** Sums over ledger lines `l`. A call is a line that was sent, whatever came of it. */
const CALL_SUMS = sql`
  count(*) filter (where l.state in ('sent', 'settled', 'unknown')) as calls,
  count(*) filter (where l.state = 'settled') as known,
  count(*) filter (where l.state = 'unknown') as unknown,
  count(*) filter (where l.simulated and l.state in ('sent', 'settled', 'unknown')) as simulated,
  coalesce(sum(l.cost_usd), 0) as cost, coalesce(sum(l.input_tokens), 0) as input,
  coalesce(sum(l.cached_input_tokens), 0) as cached, coalesce(sum(l.output_tokens), 0) as output,
  coalesce(sum(l.reasoning_tokens), 0) as reasoning`;

interface CallSums {
  calls: number;
  known: number;
  unknown: number;
  simulated: number;
  cost: number;
  input: number;
  cached: number;
  output: number;
  reasoning: number;
}

/** The same sums over the calls of checks alone. */
interface CheckSums {
  check_calls: number;
  check_known: number;
  check_unknown: number;
  check_cost: number;
}

const CHECK_SUMS = sql`
  count(*) filter (where l.kind <> 'completion' and l.state in ('sent', 'settled', 'unknown')) as check_calls,
  count(*) filter (where l.kind <> 'completion' and l.state = 'settled') as check_known,
  count(*) filter (where l.kind <> 'completion' and l.state = 'unknown') as check_unknown,
  coalesce(sum(l.cost_usd) filter (where l.kind <> 'completion'), 0) as check_cost`;

async function callTotals(db: Executor, scope: ReportScope): Promise<CallSums & CheckSums> {
  const { rows } = await sql<CallSums & CheckSums>`
    with ${tasksIn(scope)}
    select ${CALL_SUMS}, ${CHECK_SUMS} from ledger l join s on s.id = l.task_id`.execute(db);
  return rows[0] as CallSums & CheckSums;
}

interface AttemptTotals {
  settled_tasks: number;
  settled_attempts: number;
  escalations: number;
  decided: number;
  explored: number;
  unsafe: number;
}

async function attemptTotals(db: Executor, scope: ReportScope): Promise<AttemptTotals> {
  const { rows } = await sql<AttemptTotals>`
    with ${tasksIn(scope)}, a as (
      select a.task_id, s.settled_at, a.verdict->>'sandbox' = 'unsafe' as unsafe,
             coalesce(bool_or(${IS_JUDGED} and a.passed is not true)
               over (partition by a.task_id order by a.attempt rows between unbounded preceding and 1 preceding),
               false) as escalated
      from attempts a join s on s.id = a.task_id),
    d as (select d.explored from decisions d join s on s.id = d.task_id where d.action = 'attempt')
    select count(distinct task_id) filter (where settled_at is not null) as settled_tasks,
           count(*) filter (where settled_at is not null) as settled_attempts,
           count(*) filter (where escalated) as escalations, count(*) filter (where unsafe) as unsafe,
           (select count(*) from d) as decided, (select count(*) from d where explored) as explored
    from a`.execute(db);
  return rows[0] as AttemptTotals;
}

/** One line per model that was ever chosen, most chosen first. What judges cost is in the totals alone. */
export async function readModelReports(db: Executor, scope: ReportScope): Promise<ModelReport[]> {
  const { rows } = await sql<
    CallSums & {
      model: string;
      attempts: number;
      judged: number;
      passed: number;
      average_score: number | null;
      outages: number;
      explored: number;
    }
  >`
    with ${tasksIn(scope)}, a as (
      select a.model, count(*) as attempts, count(*) filter (where ${IS_JUDGED}) as judged,
             count(*) filter (where ${IS_JUDGED} and a.passed) as passed,
             avg(a.score) filter (where ${IS_JUDGED}) as average_score,
             count(*) filter (where a.status = 'outage') as outages
      from attempts a join s on s.id = a.task_id group by a.model),
    d as (select d.model, count(*) as explored from decisions d join s on s.id = d.task_id
          where d.explored and d.action = 'attempt' group by d.model),
    l as (select l.model, ${CALL_SUMS} from ledger l join s on s.id = l.task_id
          where l.kind = 'completion' group by l.model)
    select a.*, coalesce(d.explored, 0) as explored, coalesce(l.calls, 0) as calls, coalesce(l.known, 0) as known,
           coalesce(l.unknown, 0) as unknown, coalesce(l.simulated, 0) as simulated, coalesce(l.cost, 0) as cost,
           coalesce(l.input, 0) as input, coalesce(l.output, 0) as output
    from a left join d on d.model = a.model left join l on l.model = a.model
    order by a.attempts desc, a.model`.execute(db);
  const all = rows.reduce((sum, r) => sum + r.attempts, 0);
  return rows.map((r) => ({
    model: r.model,
    simulated: r.simulated > 0,
    attempts: r.attempts,
    share: r.attempts / all,
    judged: r.judged,
    passed: r.passed,
    successRate: r.judged === 0 ? null : r.passed / r.judged,
    averageScore: r.average_score,
    outages: r.outages,
    explored: r.explored,
    calls: r.calls,
    costUsd: knownCost(r.cost, r.known, r.unknown),
    unknownCalls: r.unknown,
    inputTokens: r.input,
    outputTokens: r.output,
  }));
}

/** One line per dimension, most tasks first; `unknown` before memory has inferred it. */
export async function readDimensions(db: Executor, scope: ReportScope): Promise<Report['dimensions']> {
  const { rows } = await sql<Report['dimensions'][number]>`
    with ${tasksIn(scope)}
    select coalesce(dimension, 'unknown') as dimension, count(*) as tasks, count(settled_at) as settled,
           count(*) filter (where solved) as solved,
           avg(score) filter (where settled_at is not null) as "averageScore"
    from s group by 1 order by 2 desc, 1`.execute(db);
  return rows;
}

/** The newest up to `limit` settled tasks with their answered attempts, as the estimates take them. */
export async function readReportTasks(
  db: Executor,
  scope: ReportScope,
  limit: number,
): Promise<ReportTask[]> {
  const { rows } = await sql<ReportTask>`
    with ${tasksIn(scope)}, newest as (
      select * from s where settled_at is not null order by id desc limit ${limit}),
    a as (
      select a.task_id, a.attempt, a.status, l.unknown, l.cost,
             jsonb_build_object(
               'model', a.model, 'score', case when ${IS_JUDGED} then a.score end,
               'costUsd', case when l.own_unknown = 0 and l.own_known > 0 then l.own_cost end,
               'inputTokens', a.input_tokens, 'outputTokens', a.output_tokens) as fact
      from attempts a join newest n on n.id = a.task_id
      cross join lateral (
        select coalesce(sum(cost_usd), 0)::float8 as cost,
               count(*) filter (where state in ('unknown', 'sent')) as unknown,
               coalesce(sum(cost_usd) filter (where kind = 'completion'), 0)::float8 as own_cost,
               count(*) filter (where kind = 'completion' and state = 'settled') as own_known,
               count(*) filter (where kind = 'completion' and state in ('unknown', 'sent')) as own_unknown
        from ledger where task_id = a.task_id and attempt = a.attempt) l)
    select coalesce(n.dimension, 'unknown') as dimension, n.cost_weight as "costWeight", n.score,
           (select case when coalesce(sum(a.unknown), 0) = 0 then coalesce(sum(a.cost), 0) end
              from a where a.task_id = n.id) as "costUsd",
           (select coalesce(jsonb_agg(a.fact order by a.attempt)
                     filter (where a.status in ('answered', 'verified', 'recorded')), '[]')
              from a where a.task_id = n.id) as attempts
    from newest n order by n.id`.execute(db);
  return rows;
}

interface PercentileRow {
  name: keyof LatencyReport;
  n: number;
  p: [number, number, number];
}

const THREE = sql`array[0.5, 0.95, 0.99]`;

/** Percentiles of every stage and of whole tasks, ms. */
export async function readLatencies(db: Executor, scope: ReportScope): Promise<LatencyReport> {
  const { rows } = await sql<PercentileRow>`
    with ${tasksIn(scope)},
    g as (select g.task_id, g.stage, g.wait_ms, g.work_ms from stage_times g join s on s.id = g.task_id),
    whole as (
      select s.id, extract(epoch from s.settled_at - s.created_at)::float8 * 1000 as total,
             coalesce(sum(g.work_ms) filter (where g.stage in ('execute', 'verify')), 0) as needed,
             coalesce(sum(g.work_ms) filter (where g.stage not in ('execute', 'verify')), 0) as loop_work,
             count(g.stage) as stages
      from s left join g on g.task_id = s.id where s.settled_at is not null
      group by s.id, s.settled_at, s.created_at)
    select stage as name, count(*) as n, percentile_cont(${THREE}) within group (order by work_ms) as p
      from g group by stage
    union all select 'queueWait', count(*), percentile_cont(${THREE}) within group (order by wait_ms)
      from g having count(*) > 0
    union all select 'endToEnd', count(*), percentile_cont(${THREE}) within group (order by total)
      from whole having count(*) > 0
    union all select 'overhead', count(*),
             percentile_cont(${THREE}) within group (order by greatest(0, total - needed))
      from whole where stages > 0 having count(*) > 0
    union all select 'loopWork', count(*), percentile_cont(${THREE}) within group (order by loop_work)
      from whole where stages > 0 having count(*) > 0`.execute(db);
  const found = new Map<string, PercentilesView>(
    rows.map((r) => [r.name, { n: r.n, p50: r.p[0], p95: r.p[1], p99: r.p[2] }]),
  );
  const of = (name: keyof LatencyReport): PercentilesView | null => found.get(name) ?? null;
  return {
    queueWait: of('queueWait'),
    recall: of('recall'),
    decide: of('decide'),
    execute: of('execute'),
    verify: of('verify'),
    commit: of('commit'),
    endToEnd: of('endToEnd'),
    overhead: of('overhead'),
    loopWork: of('loopWork'),
  };
}
