import type { DecisionView, Explanation } from '@acrouter/contracts/http';
import type { Executor } from './client';
import { loadContext } from './context-store';
import { decisionsOf, type DecisionRow } from './decision-store';
import { feedbackOf } from './user-feedback-store';
import type { Signal } from '@acrouter/domain/verification/signals';
import { attemptViewsOf, statusOf } from './task-reads';

/** Name of one decision in the API: `<task id>.<turn>`. */
export function decisionIdOf(taskId: string, turn: number): string {
  return `${taskId}.${turn}`;
}

/** The parts of such a name; `null` when it is none. */
export function parseDecisionId(decisionId: string): { taskId: string; turn: number } | null {
  const match = /^(.{1,64})\.(\d{1,6})$/.exec(decisionId);
  return match?.[1] ? { taskId: match[1], turn: Number(match[2]) } : null;
}

/** Every decision on a task with what it was made from and what came of it; `undefined`: not this tenant's task. */
export async function explainTask(
  db: Executor,
  tenantId: string,
  taskId: string,
): Promise<Explanation | undefined> {
  const task = await db
    .selectFrom('tasks')
    .select(['external_id', 'phase', 'outcome'])
    .where('id', '=', taskId)
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  if (!task) return undefined;
  const context = await loadContext(db, taskId);
  const checks = await checksOf(db, taskId);
  const attempts = new Map(
    (await attemptViewsOf(db, taskId)).map((a) => [a.attempt, { ...a, checks: checks.get(a.attempt) ?? [] }]),
  );
  const decisions = await decisionsOf(db, taskId);
  return {
    taskId,
    externalId: task.external_id,
    status: statusOf(task.phase),
    outcome: task.outcome,
    context: context
      ? {
          dimension: context.dimension,
          language: context.language,
          dimensionBy: context.dimension_by,
          neighbours: context.neighbours.length,
        }
      : null,
    decisions: decisions.map((d) =>
      toView(d, context?.neighbours ?? [], attempts.get(d.attempt ?? 0) ?? null),
    ),
    feedback: (await feedbackOf(db, taskId)).map((f) => ({
      feedbackId: f.id,
      attempt: f.attempt,
      source: f.source,
      metric: f.metric,
      value: f.value,
      tags: f.tags,
      reason: f.reason,
      at: f.created_at.toISOString(),
    })),
  };
}

type CheckView = NonNullable<DecisionView['result']>['checks'][number];

/** What each check of each attempt found, from the signals as the verifier stored them. */
async function checksOf(db: Executor, taskId: string): Promise<Map<number, CheckView[]>> {
  const rows = await db
    .selectFrom('attempts')
    .select(['attempt', 'signals'])
    .where('task_id', '=', taskId)
    .execute();
  return new Map(rows.map((r) => [r.attempt, ((r.signals ?? []) as Signal[]).map(toCheck)]));
}

function toCheck({ kind, status, score, weight, evidence }: Signal): CheckView {
  const failures: unknown = evidence['failures'];
  const first: unknown = Array.isArray(failures) ? failures[0] : undefined;
  const said = evidence['message'] ?? evidence['reason'] ?? first;
  const message =
    typeof said === 'string' ? said : said === undefined || said === null ? null : JSON.stringify(said);
  const runs = Array.isArray(evidence['runs']) ? { runs: (evidence['runs'] as CheckRun[]).map(toRun) } : {};
  return { kind, status, score, weight, message: message === null ? null : message.slice(0, 500), ...runs };
}

type CheckRun = NonNullable<CheckView['runs']>[number];

const toRun = ({ status, score, failed }: CheckRun): CheckRun => ({
  status,
  score,
  failed: failed.slice(0, 5),
});

function toView(
  d: DecisionRow,
  neighbours: DecisionView['neighbours'],
  result: DecisionView['result'],
): DecisionView {
  return {
    decisionId: decisionIdOf(d.task_id, d.turn),
    turn: d.turn,
    action: d.action,
    attempt: d.attempt,
    model: d.model,
    probability: d.probability,
    explored: d.explored,
    policy: d.policy,
    policyVersion: d.policy_version,
    reason: d.reason,
    candidates: d.candidates,
    neighbours,
    attemptsLeft: d.attempts_left,
    budgetLeftUsd: d.budget_left_usd,
    costWeight: d.cost_weight,
    decideMs: d.decide_ms,
    decidedAt: d.created_at.toISOString(),
    result,
  };
}
