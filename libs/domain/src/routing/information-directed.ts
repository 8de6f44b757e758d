import { argmax, explorationOf } from './choose';
import { Beliefs, standardError } from './hierarchical';
import { normal } from './linear-bandits';
import type { PolicyFactory, Random } from './policy';
import { scoringPolicy } from './scoring-policy';

/** Posterior draws per decision. source: docs/routing.md. */
const SAMPLES = 64;

/**
 * Variance-based information-directed sampling over independent posteriors: picks the model that minimises
 * (expected regret)² / (variance of its mean across the draws' winners). Returns the negated ratio.
 */
export function informationValues(
  means: readonly number[],
  deviations: readonly number[],
  random: Random,
): number[] {
  const m = means.length;
  const wins = new Float64Array(m);
  const sumWhenWinner = new Float64Array(m * m);
  let bestSum = 0;
  for (let s = 0; s < SAMPLES; s += 1) {
    const drawn = means.map((mean, i) => mean + (deviations[i] ?? 0) * normal(random));
    const winner = argmax(drawn);
    wins[winner]! += 1;
    bestSum += drawn[winner] ?? 0;
    drawn.forEach((value, i) => (sumWhenWinner[winner * m + i]! += value));
  }
  return means.map((mean, i) => {
    const regret = Math.max(bestSum / SAMPLES - mean, 0) + 1e-6;
    let information = 1e-9;
    for (let w = 0; w < m; w += 1) {
      const n = wins[w] as number;
      if (n > 0) information += (n / SAMPLES) * ((sumWhenWinner[w * m + i] as number) / n - mean) ** 2;
    }
    return -(regret * regret) / information;
  });
}

/** Hierarchical posterior with information-directed choice. O(M·samples) per decision. */
export const hierarchicalInformation: PolicyFactory = {
  name: 'hierarchical-information',
  summary: 'the same posterior; picks what teaches most per point of regret',
  create: (setup) => {
    const beliefs = new Beliefs(setup);
    return scoringPolicy({
      name: 'hierarchical-information',
      complexity: 'O(M·64)',
      setup,
      exploration: explorationOf(setup),
      scorer: {
        rate: (input, free, charge, random) => {
          const estimates = beliefs.scores.estimates(
            input.context,
            free.map((c) => c.model),
          );
          const nets = estimates.map(({ mean }, i) => mean - (charge[i] ?? 0));
          const values = informationValues(nets, estimates.map(standardError), random);
          return estimates.map(({ mean }, i) => ({ predictedScore: mean, value: values[i] ?? 0 }));
        },
        learn: (example) => beliefs.learn(example),
      },
    });
  },
};
