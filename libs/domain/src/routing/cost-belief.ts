import { FirstCosts } from './first-cost';
import type { Candidate, LearningExample, PolicySetup, TaskContext } from './policy';

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
  private readonly overall: Level = new Map();
  private readonly first: FirstCosts;

  constructor(setup: PolicySetup) {
    this.first = new FirstCosts(setup);
  }

  /** First guess of a model's cost: the prior's, else what it cost on all tasks so far, else from its price. */
  private guess(context: TaskContext, model: string): number | null {
    const known = this.first.ofPrior(context, model);
    if (known !== null) return known;
    const price = this.first.ofPrice(model);
    const seen = this.overall.get(model);
    if (!seen) return price;
    const start = price ?? seen.usd / seen.n;
    return (seen.usd + PSEUDO_COUNT * start) / (seen.n + PSEUDO_COUNT);
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
    add(this.overall, example.model, usd);
    for (const key of levelKeys(example.context)) {
      const level: Level = this.levels.get(key) ?? new Map();
      this.levels.set(key, level);
      add(level, example.model, usd);
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

function add(level: Level, model: string, usd: number): void {
  const own = level.get(model) ?? { n: 0, usd: 0 };
  level.set(model, { n: own.n + 1, usd: own.usd + usd });
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
