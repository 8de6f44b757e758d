import { attempt, bestScore, explorationOf, mustStop, stop, type Appraisal } from './choose';
import { chargeOf } from './hierarchical';
import type { DecisionInput, Policy, PolicySetup, Random } from './policy';

/**
 * How much each failed attempt on a task lowers the log-odds of the next one: by any model (the task is hard),
 * and once more for the model that failed (it may be blind to this task). Fitted by eye to the 30 recorded
 * answers per task of three models on HumanEval: where each model had failed once, the next tries of
 * gpt-4 / gpt-3.5-turbo passed in 32 % / 14 % of the cases, against 86 % / 73 % on all tasks.
 */
const LOG_ODDS_PER_FAILURE = 0.7;
const LOG_ODDS_PER_OWN_FAILURE = 0.4;

const logit = (p: number) => Math.log(p / (1 - p));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/**
 * Chance that a model which usually scores `usual` passes a task on which `failures` attempts failed, `own` of
 * them its own. A Rasch model (ability − difficulty in log-odds): on hard tasks strong models keep much more of
 * their chance than weak ones. Source: Rasch, Probabilistic Models for Some Intelligence and Attainment Tests, 1960.
 */
export function chanceAfterFailures(usual: number, failures: number, own: number): number {
  const clipped = Math.min(Math.max(usual, 0.01), 0.99);
  return sigmoid(logit(clipped) - LOG_ODDS_PER_FAILURE * failures - LOG_ODDS_PER_OWN_FAILURE * own);
}

/**
 * Wraps a policy so that, once every available model was tried, the same models may be asked again: a model
 * answers differently each time. While an untried model is available the inner policy decides, and its decision
 * not to go on is final. Benchmarks replay one answer per model and task, so they use the inner policy bare.
 * O(M) besides one decision of the inner policy.
 */
export function withResampling(inner: Policy, setup: PolicySetup): Policy {
  return {
    name: inner.name,
    version: `${inner.version}+resample-1`,
    complexity: inner.complexity,
    learn: (example) => inner.learn(example),
    decide: (input, random) => {
      const tried = new Set(input.tried.map((t) => t.model));
      const untried = input.candidates.some((c) => c.available && !tried.has(c.model));
      return untried ? inner.decide(input, random) : resample(inner, setup, input, random);
    },
  };
}

function resample(inner: Policy, setup: PolicySetup, input: DecisionInput, random: Random) {
  const free = input.candidates.filter((c) => c.available);
  const halt = mustStop({ ...input }, free);
  if (halt !== null) return stop(input, halt);
  const usual = new Map(
    inner.decide({ ...input, tried: [] }, () => 0).candidates.map((c) => [c.model, c] as const),
  );
  const costs = free.map((c) => usual.get(c.model)?.predictedCostUsd ?? c.predictedCostUsd);
  const charges = chargeOf(input, costs);
  const missing = 1 - bestScore(input);
  const appraisals = free.map((c, i): Appraisal => {
    const own = input.tried.filter((t) => t.model === c.model).length;
    const chance = chanceAfterFailures(usual.get(c.model)?.predictedScore ?? 0.5, input.tried.length, own);
    const charge = charges[i] ?? 0;
    return {
      model: c.model,
      predictedScore: chance,
      predictedCostUsd: costs[i] ?? null,
      value: chance * missing - charge,
      votes: { again: chance * missing, cost: -charge },
    };
  });
  if (appraisals.every((a) => a.value <= 0))
    return stop(input, 'no further try is expected to gain more than it costs', appraisals);
  return attempt(input, appraisals, random, {
    exploration: explorationOf(setup),
    reason: (a) => `asked again: ${a.predictedScore.toFixed(2)} chance after ${input.tried.length} failures`,
  });
}
