import type { PolicySetup, TaskContext } from './policy';
import { priorCost } from './prior';

/** Tokens of a typical single-turn coding attempt, for a first guess from prices (medians of CodeRouterBench). */
const TYPICAL_INPUT_TOKENS = 300;
const TYPICAL_OUTPUT_TOKENS = 300;

/** What an attempt costs before anything was seen: what the prior says, else a typical attempt at the model's price. */
export class FirstCosts {
  private readonly byPrice = new Map<string, number>();

  constructor(private readonly setup: PolicySetup) {
    for (const { id, price } of setup.models) {
      const usd =
        (TYPICAL_INPUT_TOKENS * price.inputPerMillion + TYPICAL_OUTPUT_TOKENS * price.outputPerMillion) / 1e6;
      if (Number.isFinite(usd) && usd >= 0) this.byPrice.set(id, usd);
    }
  }

  /** Cost in USD that the prior gives; `null` when it does not say. */
  ofPrior({ dimension }: TaskContext, model: string): number | null {
    return priorCost(this.setup.prior, dimension, model);
  }

  /** Cost in USD of a typical attempt; `null` for a model of unknown price. */
  ofPrice(model: string): number | null {
    return this.byPrice.get(model) ?? null;
  }

  /** The first of the two that says something. */
  of(context: TaskContext, model: string): number | null {
    return this.ofPrior(context, model) ?? this.ofPrice(model);
  }
}
