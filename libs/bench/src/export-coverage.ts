import type { DecisionInput, Policy } from '@acrouter/domain/routing/policy';
import type { Benchmark } from './benchmark';
import { seededRandom } from '@acrouter/domain/seeded-random';

/** How much of tasks × models has a result. */
export interface Coverage {
  tasks: number;
  models: number;
  /** (task, model) pairs with a result. */
  results: number;
  /** Tasks with results of at least two models: only there can policies differ. */
  tasksWithChoice: number;
  /** Whether every model has a result on every task. */
  complete: boolean;
}

/** Counts the results of a benchmark. */
export function coverageOf({ tasks, models }: Benchmark): Coverage {
  const counts = tasks.map((task) => task.cells.filter((cell) => cell !== null).length);
  const results = counts.reduce((sum, n) => sum + n, 0);
  return {
    tasks: tasks.length,
    models: models.length,
    results,
    tasksWithChoice: counts.filter((n) => n > 1).length,
    complete: results === tasks.length * models.length,
  };
}

/**
 * The same policy, watched: of its first choices on each task had all models been on offer, how many have a result?
 * In a replay over partial data a policy is offered only the models with a result, so this says how far what is
 * replayed is what the policy would have done.
 */
export function watchWishes(policy: Policy): { policy: Policy; recordedShare(): number | null } {
  const random = seededRandom(17);
  let wishes = 0;
  let recorded = 0;
  let pending: DecisionInput | null = null;
  const ask = (input: DecisionInput) => {
    const candidates = input.candidates.map((c) => ({ ...c, available: true }));
    const wish = policy.decide({ ...input, candidates }, random);
    if (wish.action === 'stop') return;
    wishes += 1;
    if (input.candidates.some((c) => c.model === wish.model && c.available)) recorded += 1;
  };
  return {
    recordedShare: () => (wishes === 0 ? null : recorded / wishes),
    policy: {
      name: policy.name,
      version: policy.version,
      complexity: policy.complexity,
      decide(input, chance) {
        if (input.tried.length === 0) pending = input;
        return policy.decide(input, chance);
      },
      learn(example) {
        // Not in `decide`, whose time is measured; nothing was learnt in between.
        if (pending) ask(pending);
        pending = null;
        policy.learn(example);
      },
    },
  };
}
