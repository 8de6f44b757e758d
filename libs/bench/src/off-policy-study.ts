import { estimateOffPolicy } from '@acrouter/domain/routing/off-policy';
import type { Estimate, LoggedDecision } from '@acrouter/domain/routing/off-policy';
import type { PolicySetup, TaskContext } from '@acrouter/domain/routing/policy';
import { priorMean, priorScore } from '@acrouter/domain/routing/prior';
import { createPolicy } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { ReplayOptions } from './replay';
import { prepare, replayStream } from './replay';

/** How often each estimator's 95 % interval held the truth. */
export interface CoverageOutcome {
  against: string;
  /** True mean score of `against` on these rows. */
  truth: number;
  repetitions: number;
  covered: { ips: number; snips: number; doublyRobust: number };
  /** Mean half-width of the intervals, in score points. */
  halfWidth: { ips: number; snips: number; doublyRobust: number };
}

const KEYS = ['ips', 'snips', 'doublyRobust'] as const;

/**
 * Replays the product's policy with exploration, logs its probabilities, and estimates from that log alone
 * what always using `against` would have scored; the rows know the truth. The predictions of the doubly
 * robust estimate come from the prior, so they are known before the log.
 */
export function coverageStudy(
  benchmark: Benchmark,
  setup: PolicySetup,
  policyName: string,
  against: string,
  options: ReplayOptions,
  repetitions: number,
): CoverageOutcome {
  const prepared = prepare(benchmark, options.unknownCost);
  const other = benchmark.models.findIndex((m) => m.id === against);
  const scores = benchmark.tasks.map((task) => task.cells[other]?.score ?? 0);
  const truth = scores.reduce((sum, score) => sum + score, 0) / Math.max(scores.length, 1);
  const predict = (context: TaskContext, model: string) =>
    priorScore(setup.prior, context.dimension, model) ?? priorMean(setup.prior, context.dimension);
  const covered = { ips: 0, snips: 0, doublyRobust: 0 };
  const halfWidth = { ips: 0, snips: 0, doublyRobust: 0 };
  for (let seed = 1; seed <= repetitions; seed += 1) {
    const tasks = replayStream(
      prepared,
      createPolicy(policyName, setup),
      { ...options, maxAttempts: 1 },
      seed,
    );
    const log = tasks.flatMap(({ task, attempts }): LoggedDecision[] => {
      const first = attempts[0];
      const context = benchmark.tasks[task]?.context;
      if (!first || !context) return [];
      return [
        {
          outcome: first.observed,
          probability: first.probability,
          otherProbability: first.model === other ? 1 : 0,
          predicted: predict(context, benchmark.models[first.model]?.id ?? ''),
          otherPredicted: predict(context, against),
        },
      ];
    });
    const estimates = estimateOffPolicy(log);
    for (const key of KEYS) {
      const { low, high }: Estimate = estimates[key];
      if (low <= truth && truth <= high) covered[key] += 1 / repetitions;
      halfWidth[key] += (high - low) / 2 / repetitions;
    }
  }
  return { against, truth, repetitions, covered, halfWidth };
}
