import type { PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { ReplayedTask, ReplayOptions } from './replay';
import { prepare, replayStretches } from './replay';
import { spread } from './rows';
import type { Spread } from './rows';
import { shuffled } from '@acrouter/domain/seeded-random';

/** Second-half regret with and without the drift rule. */
export interface DriftOutcome {
  policy: string;
  /** The best model of each dimension loses half of its score midway. */
  drifting: { withRule: Spread; withoutRule: Spread; ratio: number };
  /** Nothing changes: what the rule costs in false alarms. */
  steady: { withRule: Spread; withoutRule: Spread; ratio: number };
  tasks: number;
  orders: number;
}

/** Rows in which the best model (by mean score) of every dimension keeps only `factor` of its score. */
export function weakened(benchmark: Benchmark, factor: number): Benchmark {
  const sums = new Map<string, number[]>();
  for (const task of benchmark.tasks) {
    const sum = sums.get(task.context.dimension) ?? benchmark.models.map(() => 0);
    task.cells.forEach((cell, m) => (sum[m] = (sum[m] ?? 0) + (cell?.score ?? 0)));
    sums.set(task.context.dimension, sum);
  }
  const best = new Map([...sums].map(([dimension, sum]) => [dimension, sum.indexOf(Math.max(...sum))]));
  return {
    ...benchmark,
    tasks: benchmark.tasks.map((task) => ({
      ...task,
      cells: task.cells.map((cell, m) =>
        cell && best.get(task.context.dimension) === m ? { ...cell, score: factor * cell.score } : cell,
      ),
    })),
  };
}

/** Runs the drift experiment: each half of the stream passes over all rows `passes` times. */
export function driftStudy(
  benchmark: Benchmark,
  setup: PolicySetup,
  policy: string,
  options: ReplayOptions,
  orders: number,
  passes: number,
): DriftOutcome {
  const steady = prepare(benchmark, options.unknownCost);
  const broken = prepare(weakened(benchmark, 0.5), options.unknownCost);
  const n = benchmark.tasks.length;
  const run = (driftRule: boolean, second: typeof steady) =>
    spread(
      Array.from({ length: orders }, (_, i) => {
        const order = (pass: number) => shuffled(n, 1_000 * (i + 1) + pass);
        const firstHalf = Array.from({ length: passes }, (_unused, p) => order(p)).flat();
        const secondHalf = Array.from({ length: passes }, (_unused, p) => order(500 + p)).flat();
        const tasks = replayStretches(
          [
            { prepared: steady, order: firstHalf },
            { prepared: second, order: secondHalf },
          ],
          createPolicy(policy, { ...setup, driftRule }),
          options,
          i + 1,
        );
        return regretOf(tasks.slice(firstHalf.length));
      }),
    );
  const compare = (second: typeof steady) => {
    const [withRule, withoutRule] = [run(true, second), run(false, second)];
    return { withRule, withoutRule, ratio: withRule.mean / Math.max(withoutRule.mean, 1e-9) };
  };
  return { policy, drifting: compare(broken), steady: compare(steady), tasks: 2 * passes * n, orders };
}

const regretOf = (tasks: readonly ReplayedTask[]) => tasks.reduce((sum, task) => sum + task.regret, 0);
