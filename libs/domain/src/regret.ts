import { MIN_OBSERVATIONS, priorOf, type ReportTask } from './report';
import type { Prior } from './routing/policy';

/** Σ over tasks of (expected reward of the dimension's best single model − the task's own reward). */
export interface RegretEstimate {
  total: number;
  perTask: number;
  /** Tasks that were judged, whose cost is known, and in whose dimension some model can be rated. */
  tasks: number;
  method: string;
}

const REGRET_METHOD =
  'Per task: expected reward of the best single model of its dimension less the task’s own reward (score − ' +
  'costWeight · cost). A model’s expected score is the mean of its first attempts in the dimension (from ' +
  `${MIN_OBSERVATIONS} on), else the prior; its cost the mean of its attempts, else the prior’s. Models without either ` +
  'are left out. Negative: better than any single model could be expected to be.';

/** `null` when no task can be rated. */
export function estimateRegret(tasks: readonly ReportTask[], prior: Prior | null): RegretEstimate | null {
  const ratings = rateModels(tasks, prior);
  let total = 0;
  let rated = 0;
  for (const task of tasks) {
    const models = ratings.get(task.dimension) ?? [];
    if (task.score === null || task.costUsd === null || models.length === 0) continue;
    const best = Math.max(...models.map((m) => m.score - task.costWeight * m.costUsd));
    total += best - (task.score - task.costWeight * task.costUsd);
    rated += 1;
  }
  return rated === 0 ? null : { total, perTask: total / rated, tasks: rated, method: REGRET_METHOD };
}

/** Expected score and cost of one attempt by dimension, for the models of which both are known. */
function rateModels(
  tasks: readonly ReportTask[],
  prior: Prior | null,
): Map<string, { score: number; costUsd: number }[]> {
  const scores = new Map<string, Mean>();
  const costs = new Map<string, Mean>();
  const key = (dimension: string, model: string) => JSON.stringify([dimension, model]);
  const models = new Set<string>();
  for (const task of tasks)
    task.attempts.forEach((a, i) => {
      models.add(a.model);
      if (i === 0 && a.score !== null) add(scores, key(task.dimension, a.model), a.score);
      if (a.costUsd !== null) add(costs, key(task.dimension, a.model), a.costUsd);
    });
  const rate = (dimension: string, model: string) => {
    const score = enough(scores.get(key(dimension, model))) ?? priorOf(prior?.score, dimension, model);
    const seen = costs.get(key(dimension, model));
    const costUsd = seen ? seen.sum / seen.n : priorOf(prior?.costUsd, dimension, model);
    return score === null || costUsd === null ? [] : [{ score, costUsd }];
  };
  const dimensions = new Set(tasks.map((t) => t.dimension));
  return new Map([...dimensions].map((d) => [d, [...models].flatMap((m) => rate(d, m))]));
}

interface Mean {
  n: number;
  sum: number;
}

function add(means: Map<string, Mean>, key: string, value: number): void {
  const mean = means.get(key);
  if (mean) {
    mean.n += 1;
    mean.sum += value;
  } else means.set(key, { n: 1, sum: value });
}

const enough = (m: Mean | undefined): number | null => (m && m.n >= MIN_OBSERVATIONS ? m.sum / m.n : null);
