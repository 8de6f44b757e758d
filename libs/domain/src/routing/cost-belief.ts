import type { Candidate, LearningExample, PolicySetup, TaskContext } from './policy';
import { priorCost } from './prior';

/** Tokens of a typical single-turn coding attempt, for a first guess from prices (medians of CodeRouterBench). */
export const TYPICAL_INPUT_TOKENS = 300;
export const TYPICAL_OUTPUT_TOKENS = 300;

/** Weight of the first guess, in observations. Costs vary little inside a source, so few suffice. */
const PSEUDO_COUNT = 0.5;

interface Sum {
  n: number;
  usd: number;
}

type Level = Map<string, Sum>;

/** A first guess of an unseen model's cost is worth trying at a discount: one attempt settles it. */
const UNSEEN_DISCOUNT = 0.6;

/**
 * What an attempt costs, learnt per source and dimension. Unknown costs (`null`) are not learnt from;
 * a model never seen costs what its price says, times the ratio at which prices were wrong here so far.
 * O(1) per prediction and per example.
 */
export class CostBelief {
  private readonly levels = new Map<string, Level>();
  private readonly guesses = new Map<string, number>();

  constructor(private readonly setup: PolicySetup) {
    for (const { id, price } of setup.models) {
      const usd =
        (TYPICAL_INPUT_TOKENS * price.inputPerMillion + TYPICAL_OUTPUT_TOKENS * price.outputPerMillion) / 1e6;
      if (Number.isFinite(usd) && usd >= 0) this.guesses.set(id, usd);
    }
  }

  private guess(context: TaskContext, model: string): number | null {
    return priorCost(this.setup.prior, context.dimension, model) ?? this.guesses.get(model) ?? null;
  }

  /** Expected cost of one attempt in USD; `null` when neither price, prior, caller nor experience says. */
  predict(context: TaskContext, candidate: Candidate): number | null {
    const first = candidate.predictedCostUsd ?? this.guess(context, candidate.model);
    let expected = first !== null && Number.isFinite(first) && first >= 0 ? first : null;
    for (const key of levelKeys(context)) {
      const level = this.levels.get(key);
      if (!level) continue;
      const own = level.get(candidate.model);
      if (!own) {
        const scale = this.scale(context, level);
        if (first !== null && scale !== null) expected = first * scale;
      } else {
        expected =
          expected === null ? own.usd / own.n : (own.usd + PSEUDO_COUNT * expected) / (own.n + PSEUDO_COUNT);
      }
    }
    return expected;
  }

  learn(example: LearningExample): void {
    const usd = example.costUsd;
    if (usd === null || !Number.isFinite(usd) || usd < 0) return;
    for (const key of levelKeys(example.context)) {
      const level: Level = this.levels.get(key) ?? new Map();
      this.levels.set(key, level);
      const own = level.get(example.model) ?? { n: 0, usd: 0 };
      level.set(example.model, own);
      own.n += 1;
      own.usd += usd;
    }
  }

  /** Geometric mean over the models of a level of observed cost over first guess; `null` without any. */
  private scale(context: TaskContext, level: Level): number | null {
    let models = 0;
    let logs = 0;
    for (const [model, { n, usd }] of level) {
      const guess = this.guess(context, model);
      if (guess === null || !(guess > 0) || !(usd > 0)) continue;
      models += 1;
      logs += Math.log(usd / n / guess);
    }
    return models === 0 ? null : UNSEEN_DISCOUNT * Math.exp(logs / models);
  }
}

function levelKeys(context: TaskContext): string[] {
  const dimension = `d:${context.dimension}`;
  return context.source === null ? [dimension] : [dimension, `s:${context.dimension}:${context.source}`];
}

/**
 * Stand-in for an unknown cost when values are compared: the dearest known candidate, so that an unknown
 * price is never mistaken for a low one. 0 when no candidate's cost is known (then none is preferred).
 */
export function costStandIn(known: readonly (number | null)[]): number {
  return known.reduce<number>((max, usd) => Math.max(max, usd ?? 0), 0);
}
