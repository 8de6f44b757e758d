import { attempt, bestScore, eligible, explorationOf, mustStop, stop, type Appraisal } from './choose';
import { chargeOf } from './hierarchical';
import type { DecisionInput, LearningExample, Policy, PolicySetup, Random } from './policy';

/**
 * How failed attempts on a task lower the log-odds of the next one. By any model: the task is hard, which the first
 * failures tell and later ones only confirm, so together at most `HARD_TASK`, and 40 % of what is left remains after
 * each. And for every failure of the model itself: it may be blind to this task. On hard tasks a difference in ability
 * counts for `ABILITY` times as much as usual. Chosen by likelihood on the recorded answers of three models on HumanEval,
 * 30 per task; `libs/bench/src/asking-again.integration.test.ts` holds them against it.
 */
const HARD_TASK = 3;
const LEFT_AFTER_FAILURE = 0.4;
const OWN_FAILURE = 0.5;
const ABILITY = 1.5;

const logit = (p: number) => Math.log(p / (1 - p));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/**
 * Chance that a model which usually scores `usual` passes a task on which `failures` ≥ 1 attempts failed, `own` of
 * them its own. Ability less difficulty in log-odds: on hard tasks strong models keep much more of their chance
 * than weak ones. Source: two-parameter logistic model of item response theory (Birnbaum, in Lord & Novick 1968).
 */
export function chanceAfterFailures(usual: number, failures: number, own: number): number {
  const clipped = Math.min(Math.max(usual, 0.01), 0.99);
  const difficulty = HARD_TASK * (1 - LEFT_AFTER_FAILURE ** failures);
  return sigmoid(ABILITY * logit(clipped) - difficulty - OWN_FAILURE * own);
}

/** Tasks whose first answers are remembered; a task under way longer than this many others is forgotten. */
const REMEMBERED_TASKS = 20_000;

/** Tells the first score of a model on a task from what it scored when it was asked again. O(1) per score. */
class FirstAnswers {
  private readonly models = new Map<string, string[]>();

  isFirst({ taskId, model }: LearningExample): boolean {
    const known = this.models.get(taskId) ?? [];
    if (known.includes(model)) return false;
    this.models.set(taskId, [...known, model]);
    if (this.models.size > REMEMBERED_TASKS) this.models.delete(this.models.keys().next().value as string);
    return true;
  }
}

/**
 * Wraps a policy so that, once every available model was tried, the same models may be asked again: a model
 * answers differently each time. While an untried model is available the inner policy decides, and its decision
 * not to go on is final. The inner policy learns first answers only: models are asked again where all have failed,
 * so those scores say what hard tasks are like and would pass for a model's usual ones, or for a sudden change of it.
 * Benchmarks replay one answer per model and task, so they use the inner policy bare. O(M) besides one decision of
 * the inner policy.
 */
export function withResampling(inner: Policy, setup: PolicySetup): Policy {
  const answers = new FirstAnswers();
  return {
    name: inner.name,
    version: `${inner.version}+resample-2`,
    complexity: inner.complexity,
    learn: (example) => {
      if (answers.isFirst(example)) inner.learn(example);
    },
    decide: (input, random) => {
      const untried = eligible(input).length > 0;
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
