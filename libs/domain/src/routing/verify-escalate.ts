import type { Appraisal } from './choose';
import { attempt, bestScore, eligible, explorationOf, mustStop, stop } from './choose';
import { CostBelief } from './cost-belief';
import { EscalationBelief } from './escalation-belief';
import { measurement } from './verdict';
import type { EscalationForecast } from './escalation-belief';
import type { ChainRank } from './fixed-chain';
import { configuredRank, inChainOrder } from './fixed-chain';
import { chargeOf } from './hierarchical';
import type { Gaussian } from './matrix';
import { condition } from './matrix';
import { priorMean, priorScore } from './prior';
import { planSteps } from './plan';
import type { PlannedStep } from './plan';
import type {
  Candidate,
  DecisionInput,
  LearningExample,
  Policy,
  PolicyFactory,
  PolicySetup,
  Random,
} from './policy';

/** Standard errors by which a step must be better than the chain's next model before it replaces it. */
const CAUTION = 0.5;
/** The same for a chain that the user configured: it gives way to significant evidence (95 %) only. */
const CONFIGURED_CAUTION = 2;
/** Score points by which a model never seen is preferred: one attempt makes it known. */
const NEWCOMER_BONUS = 0.1;
const OPTIMISM = 0.75;
/**
 * Charge (score points) at which the chain has lost half of its authority: it was made without regard to
 * prices, so where they matter it is no yardstick.
 */
const PRICELESS_CHARGE = 0.01;

/**
 * Learned verify-and-escalate. Each step conditions the joint forecast on what was observed on this task
 * and picks the step with the best look-ahead value; it stops when no step is worth its charge.
 */
class VerifyEscalate implements Policy {
  readonly name = 'verify-escalate';
  readonly version = '3';
  readonly complexity = 'O(M⁴) (M² branches, each conditioned in M²)';
  private readonly belief: EscalationBelief;
  private readonly costs: CostBelief;
  private readonly rank: ChainRank | null;

  constructor(private readonly setup: PolicySetup) {
    this.belief = new EscalationBelief(setup);
    this.costs = new CostBelief(setup);
    this.rank = setup.prior || setup.chain?.length ? configuredRank(setup) : null;
  }

  decide(input: DecisionInput, random: Random) {
    const free = eligible(input);
    const halt = mustStop(input, free);
    if (halt !== null) return stop(input, halt);
    const known = free.filter((c) => this.belief.models.includes(c.model));
    if (known.length < free.length) return this.introduce(input, free, random);
    const forecast = this.belief.forecast(input.context);
    const seen = this.afterAttempts(forecast, input);
    const costs = free.map((c) => this.costs.predict(input.context, c));
    const planned = this.plan(input, free, forecast, seen, chargeOf(input, costs));
    const appraisals = this.appraise(input, free, forecast, seen, planned, costs);
    if (input.tried.length > 0 && planned.every((step) => step.value <= 0)) {
      return stop(input, 'no untried model is expected to gain more than it costs', appraisals);
    }
    return attempt(input, appraisals, random, {
      // A first attempt has a known chance for every model; later ones are spread by the escalation itself.
      exploration: input.tried.length === 0 ? explorationOf(this.setup) : 0,
      reason: (a) =>
        `best look-ahead value ${a.value.toFixed(3)}; expected score ${a.predictedScore.toFixed(2)}`,
    });
  }

  learn(example: LearningExample): void {
    this.costs.learn(example);
    this.belief.learn(example);
  }

  /** With a model never heard of among the candidates: all are taken for average until one has been seen. */
  private introduce(input: DecisionInput, free: readonly Candidate[], random: Random) {
    const costs = free.map((c) => this.costs.predict(input.context, c));
    const charges = chargeOf(input, costs);
    const strange = (model: string) => (this.belief.models.includes(model) ? 0 : NEWCOMER_BONUS);
    const appraisals = free.map(({ model }, i): Appraisal => {
      const { prior } = this.setup;
      const { dimension } = input.context;
      const predictedScore = priorScore(prior, dimension, model) ?? priorMean(prior, dimension);
      const value = predictedScore + strange(model) - (charges[i] ?? 0);
      return { model, predictedScore, predictedCostUsd: costs[i] ?? null, value, votes: { forecast: value } };
    });
    return attempt(input, appraisals, random, {
      exploration: explorationOf(this.setup),
      reason: (a) => `${a.model} is taken because the pool has a model that nothing is known of`,
    });
  }

  /** The forecast given the attempts already made on this task. */
  private afterAttempts({ gaussian, shape }: EscalationForecast, input: DecisionInput): Gaussian {
    let seen = gaussian;
    for (const t of input.tried) {
      const model = this.belief.models.indexOf(t.model);
      const { value, variance } = measurement(t.score, input.verifierNoise, shape);
      if (model >= 0) seen = condition(seen, model, value, variance);
    }
    return seen;
  }

  private plan(
    input: DecisionInput,
    free: readonly Candidate[],
    forecast: EscalationForecast,
    seen: Gaussian,
    charges: readonly number[],
  ): PlannedStep[] {
    const { models } = this.belief;
    const charge = new Float64Array(models.length);
    free.forEach((c, i) => (charge[models.indexOf(c.model)] = charges[i] ?? 0));
    const best = bestScore(input);
    const answered = input.tried.find((t) => t.score >= best);
    const answeredMean = answered ? (seen.mean[models.indexOf(answered.model)] ?? best) : 0;
    return planSteps({
      forecast: optimistic(seen, forecast),
      shape: forecast.shape,
      free: free.map((c) => models.indexOf(c.model)),
      charge,
      tried: input.tried.length > 0,
      best,
      answer: input.verifierNoise > 0 ? Math.max(answeredMean, 0) : best,
      noise: input.verifierNoise,
      attemptsLeft: input.attemptsLeft,
    });
  }

  /** The chain's next model; the prior's order does not speak of models that were seen to change. */
  private nextInChain(input: DecisionInput, free: readonly Candidate[]): string | undefined {
    if (!this.rank) return undefined;
    const order = inChainOrder(this.rank, input.context, free);
    if (this.setup.chain?.length) return order[0]?.model;
    return order.find(({ model }) => !this.belief.hasDrifted(input.context, model))?.model;
  }

  private appraise(
    input: DecisionInput,
    free: readonly Candidate[],
    forecast: EscalationForecast,
    seen: Gaussian,
    planned: readonly PlannedStep[],
    costs: readonly (number | null)[],
  ): Appraisal[] {
    const { models } = this.belief;
    const next = this.nextInChain(input, free);
    const anchor = next === undefined ? -1 : models.indexOf(next);
    const anchored = planned.find((step) => step.model === anchor);
    const charge = anchored ? anchored.scoreValue - anchored.value : 0;
    const fading = 1 + (charge / PRICELESS_CHARGE) ** 2;
    const authority = this.setup.chain?.length ? CONFIGURED_CAUTION : CAUTION / fading;
    return planned.map((step, i): Appraisal => {
      const caution = authority * doubt(forecast, step.model, anchor);
      return {
        model: models[step.model] as string,
        predictedScore: seen.mean[step.model] as number,
        predictedCostUsd: costs[i] ?? null,
        value: step.value - caution,
        votes: { forecast: step.value, caution: -caution },
      };
    });
  }
}

/** The forecast with every mean raised by `OPTIMISM` standard errors: what is little known is worth a try. */
function optimistic(seen: Gaussian, { meanCovariance }: EscalationForecast): Gaussian {
  const mean = seen.mean.map(
    (m, i) => m + OPTIMISM * Math.sqrt(Math.max(meanCovariance[i * seen.n + i] as number, 0)),
  );
  return { ...seen, mean };
}

/** Standard error of the difference of two models' mean scores. */
function doubt({ gaussian, meanCovariance }: EscalationForecast, a: number, b: number): number {
  if (b < 0) return 0;
  const { n } = gaussian;
  const variance = (i: number, j: number) => meanCovariance[i * n + j] as number;
  return Math.sqrt(Math.max(variance(a, a) + variance(b, b) - 2 * variance(a, b), 0));
}

/** Learned verify-and-escalate. source: docs/routing.md. */
export const verifyEscalate: PolicyFactory = {
  name: 'verify-escalate',
  summary: 'joint model of all scores; escalates while the expected gain is worth the charge',
  create: (setup) => new VerifyEscalate(setup),
};
