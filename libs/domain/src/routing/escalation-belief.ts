import { newWatch, watch } from './drift';
import type { DriftWatch } from './drift';
import { JointGroup } from './joint-belief';
import type { JointPrior } from './mean-posterior';
import { measurement } from './verdict';
import type { ScoreShape } from './verdict';
import type { Gaussian, Matrix } from './matrix';
import { condition, exchangeable } from './matrix';
import type { LearningExample, PolicySetup, TaskContext } from './policy';
import type { Dimension } from '../task';
import { priorMean, priorScore } from './prior';

/**
 * How much groups differ before data speaks, as variances of mean scores (0.01 = ±0.1). "own": one model
 * against the others; "shared": the whole group being easier or harder.
 */
const DIMENSION_OWN_WITH_PRIOR = 0.0005;
const DIMENSION_OWN_COLD = 0.03;
const DIMENSION_SHARED_WITH_PRIOR = 0.005;
const DIMENSION_SHARED_COLD = 0.06;
const SOURCE_OWN = 0.001;
const SOURCE_SHARED = 0.04;
/** Hypothesis that a source has little to do with its dimension's usual tasks (out of distribution). */
const STRANGER_SHARE = 0.3;
const STRANGER_OWN = 0.03;
const STRANGER_SHARED = 0.06;
/** Σ0 = .2(.4·I + .6·11ᵀ): the models mostly fail together. */
const TASK_OWN = 0.1;
const TASK_SHARED = 0.1;
const DIMENSION_COVARIANCE_WEIGHT = 100;
const SOURCE_COVARIANCE_WEIGHT = 100;

/** Predictive distribution of one task's scores, before any attempt on it. */
export interface EscalationForecast {
  /** Over `models` of the belief, in their order. Includes the uncertainty of the means. */
  gaussian: Gaussian;
  meanCovariance: Matrix;
  shape: Readonly<ScoreShape>;
}

interface Surprise {
  value: number;
  mean: number;
  deviation: number;
}

const watchKey = (dimension: string, model: string) => `${dimension} ${model}`;

interface SourceEntry {
  group: JointGroup;
  prior: JointPrior;
  /** Posterior of the dimension that `prior` was made from. */
  of: Gaussian;
  context: TaskContext;
}

/**
 * Joint beliefs per dimension and, below it, per source. A source starts from its dimension's posterior;
 * a dimension starts from the prior's row. O(M³) per example.
 */
export class EscalationBelief {
  readonly models: string[] = [];
  private readonly dimensions = new Map<string, { group: JointGroup; prior: JointPrior }>();
  private readonly sources = new Map<string, SourceEntry>();
  private readonly watches = new Map<string, DriftWatch>();
  private readonly drifted = new Set<string>();

  constructor(private readonly setup: PolicySetup) {
    this.models.push(...setup.models.map((m) => m.id));
  }

  /** What a new task of this context is expected to look like. */
  forecast(context: TaskContext): EscalationForecast {
    const dimension = this.dimension(context);
    const group = context.source === null ? dimension : this.source(context);
    const { gaussian, meanCovariance } = group.group.posterior(group.prior);
    return { gaussian, meanCovariance, shape: group.group.scoreShape };
  }

  /** Folds one verified score in; a model never heard of joins the pool. Not-finite scores are ignored. */
  learn(example: LearningExample): void {
    if (!Number.isFinite(example.score)) return;
    if (!this.models.includes(example.model)) this.admit(example.model);
    const model = this.models.indexOf(example.model);
    const flipped = example.verifierNoise ?? 0;
    const surprise = this.setup.driftRule === false ? null : this.surprise(example, model);
    const dimension = this.dimension(example.context);
    dimension.group.learn(example.taskId, model, example.score, flipped, dimension.prior);
    if (example.context.source !== null) {
      const source = this.source(example.context);
      source.group.learn(example.taskId, model, example.score, flipped, source.prior);
    }
    if (surprise) this.watchFor(example.context, model, surprise);
  }

  /** Whether this model was seen to change in this dimension: the prior no longer speaks of it. */
  hasDrifted({ dimension }: TaskContext, model: string): boolean {
    return this.drifted.has(watchKey(dimension, model));
  }

  /** A score beside what was expected of it, given what else was seen on its task. */
  private surprise(example: LearningExample, model: number): Surprise {
    const { context } = example;
    const { group } = context.source === null ? this.dimension(context) : this.source(context);
    const { gaussian, shape } = this.forecast(context);
    const row = group.seenOn(example.taskId);
    let expected = gaussian;
    row.models.forEach((other, i) => {
      expected = condition(expected, other, row.scores[i] as number, row.noise[i] as number);
    });
    const { value, variance } = measurement(example.score, example.verifierNoise ?? 0, shape);
    const spread = (expected.covariance[model * expected.n + model] as number) + variance;
    return { value, mean: expected.mean[model] as number, deviation: Math.sqrt(Math.max(spread, 0)) };
  }

  /** After a detected change only what was seen since then counts, in the whole dimension. */
  private watchFor(context: TaskContext, model: number, { value, mean, deviation }: Surprise): void {
    const name = this.models[model] as string;
    const key = watchKey(context.dimension, name);
    const state = this.watches.get(key) ?? newWatch();
    this.watches.set(key, state);
    const since = watch(state, value, mean, deviation);
    if (!since) return;
    this.drifted.add(key);
    const dimension = this.dimension(context);
    const kept = dimension.group.latestTasks(model, since.count);
    dimension.group.forget(model, kept);
    this.dimensions.set(context.dimension, {
      group: dimension.group,
      prior: this.dimensionPrior(context.dimension),
    });
    for (const entry of this.sources.values()) {
      if (entry.context.dimension === context.dimension) entry.group.forget(model, kept);
    }
  }

  private admit(model: string): void {
    this.models.push(model);
    const dimensions = [...this.dimensions.keys()] as Dimension[];
    for (const dimension of dimensions) {
      const prior = this.dimensionPrior(dimension);
      const group = this.dimensions.get(dimension)?.group.grown(this.models.length, prior);
      if (group) this.dimensions.set(dimension, { group, prior });
    }
    for (const [key, { group, context }] of [...this.sources]) {
      this.sources.delete(key);
      const fresh = this.source(context);
      this.sources.set(key, { ...fresh, group: group.grown(this.models.length, fresh.prior) });
    }
  }

  private dimension({ dimension }: TaskContext) {
    const known = this.dimensions.get(dimension);
    if (known) return known;
    const prior = this.dimensionPrior(dimension);
    const entry = { group: new JointGroup(this.models.length, prior), prior };
    this.dimensions.set(dimension, entry);
    return entry;
  }

  private dimensionPrior(dimension: Dimension): JointPrior {
    const { prior } = this.setup;
    const fallback = priorMean(prior, dimension);
    const scores = this.models.map((m) =>
      this.drifted.has(watchKey(dimension, m)) ? null : priorScore(prior, dimension, m),
    );
    return {
      mean: Float64Array.from(scores, (score) => score ?? fallback),
      spreads: [
        {
          share: 1,
          own: Float64Array.from(scores, (score) =>
            score === null ? DIMENSION_OWN_COLD : DIMENSION_OWN_WITH_PRIOR,
          ),
          shared: scores.every((s) => s === null) ? DIMENSION_SHARED_COLD : DIMENSION_SHARED_WITH_PRIOR,
        },
      ],
      covariance: exchangeable(this.models.length, TASK_OWN, TASK_SHARED),
      covarianceWeight: DIMENSION_COVARIANCE_WEIGHT,
    };
  }

  private source(context: TaskContext) {
    const key = `${context.dimension}:${context.source ?? ''}`;
    const dimension = this.dimension(context);
    const of = dimension.group.posterior(dimension.prior).gaussian;
    const known = this.sources.get(key);
    if (known && known.of === of) return known;
    const n = this.models.length;
    const prior: JointPrior = {
      mean: of.mean,
      spreads: [
        { share: 1 - STRANGER_SHARE, own: new Float64Array(n).fill(SOURCE_OWN), shared: SOURCE_SHARED },
        { share: STRANGER_SHARE, own: new Float64Array(n).fill(STRANGER_OWN), shared: STRANGER_SHARED },
      ],
      covariance: dimension.group.taskCovariance,
      covarianceWeight: SOURCE_COVARIANCE_WEIGHT,
    };
    const entry = { group: known?.group ?? new JointGroup(n, prior), prior, of, context };
    this.sources.set(key, entry);
    return entry;
  }
}
