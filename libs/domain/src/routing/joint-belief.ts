import { inverse, submatrix } from './matrix';
import type { Matrix } from './matrix';
import { posteriorMean } from './mean-posterior';
import type { JointPrior, Posterior } from './mean-posterior';
import { measurement, newShape, note } from './verdict';
import type { ScoreShape } from './verdict';

interface Row {
  models: number[];
  scores: number[];
  /** Measurement variance of each score (a noisy verifier); 0 = exact. */
  noise: number[];
}

const NOTHING: Row = { models: [], scores: [], noise: [] };

/** Rows kept per group; the oldest go first. Bounds memory and the cost of a refit. */
const MAX_ROWS = 600;
/** From here on the covariance is refitted every so many rows; before, at every doubling. */
const REFIT_EVERY = 150;
const EM_ROUNDS = 2;

/**
 * Scores of one group of tasks (a dimension, a source) as jointly Gaussian over models, learnt from
 * incomplete rows: on each task only the tried models were seen, and later ones only where earlier ones
 * failed. Given the covariance the mean's posterior is exact; the covariance is refitted by EM at doublings.
 * O(M³) per example, amortised; O(M²) memory plus the rows. source: docs/routing.md, "Verify and escalate".
 */
export class JointGroup {
  private readonly rows = new Map<string, Row>();
  private covariance: Matrix;
  /** Σ over rows of the observed precision, and of precision · scores. */
  private precision: Matrix;
  private evidence: Float64Array;
  private nextRefit = 4;
  private fitted: Posterior | null = null;
  private shape: ScoreShape = newShape();

  constructor(
    private readonly n: number,
    prior: JointPrior,
  ) {
    this.covariance = prior.covariance;
    this.precision = new Float64Array(n * n);
    this.evidence = new Float64Array(n);
  }

  get size(): number {
    return this.rows.size;
  }

  /** How this group's scores are spread between 0 and 1. */
  get scoreShape(): Readonly<ScoreShape> {
    return this.shape;
  }

  /** Covariance of one task's scores. */
  get taskCovariance(): Matrix {
    return this.covariance;
  }

  /**
   * Adds what one model scored on one task; a repeated pair replaces the earlier score. `flipped` is the
   * share of verdicts known to be wrong: 0 where the verifier is exact.
   */
  learn(taskId: string, model: number, score: number, flipped: number, prior: JointPrior): void {
    const { value, variance } = measurement(score, flipped, this.shape);
    note(this.shape, score, flipped);
    this.put(taskId, model, value, variance, prior);
  }

  private put(taskId: string, model: number, score: number, noise: number, prior: JointPrior): void {
    const row = this.rows.get(taskId) ?? { models: [], scores: [], noise: [] };
    if (row.models.length > 0) this.account(row, -1);
    this.rows.delete(taskId);
    this.rows.set(taskId, row);
    const at = row.models.indexOf(model);
    const place = at >= 0 ? at : row.models.length;
    row.models[place] = model;
    row.scores[place] = score;
    row.noise[place] = noise;
    this.account(row, 1);
    this.forgetOldest();
    if (this.rows.size >= this.nextRefit) {
      this.refit(prior);
      this.nextRefit += Math.min(this.nextRefit, REFIT_EVERY);
    }
    this.fitted = null;
  }

  /** The same rows over `n` models, the first of which are this group's. */
  grown(n: number, prior: JointPrior): JointGroup {
    const group = new JointGroup(n, prior);
    for (const [taskId, row] of this.rows) {
      row.models.forEach((model, i) => {
        group.put(taskId, model, row.scores[i] as number, row.noise[i] as number, prior);
      });
    }
    group.shape = { ...this.shape };
    return group;
  }

  /** What was seen on a task so far: models and measured scores, in the order of the attempts. */
  seenOn(taskId: string): { models: readonly number[]; scores: readonly number[]; noise: readonly number[] } {
    return this.rows.get(taskId) ?? NOTHING;
  }

  /** The latest `count` tasks on which `model` was seen. */
  latestTasks(model: number, count: number): Set<string> {
    const tasks = [...this.rows].filter(([, row]) => row.models.includes(model)).map(([taskId]) => taskId);
    return new Set(tasks.slice(Math.max(tasks.length - count, 0)));
  }

  /** Drops what `model` scored on all tasks but those in `kept`: it has changed since. O(rows · M³). */
  forget(model: number, kept: ReadonlySet<string>): void {
    for (const [taskId, row] of [...this.rows]) {
      const at = kept.has(taskId) ? -1 : row.models.indexOf(model);
      if (at < 0) continue;
      for (const list of [row.models, row.scores, row.noise]) list.splice(at, 1);
      if (row.models.length === 0) this.rows.delete(taskId);
    }
    this.recount();
  }

  /** Posterior of the mean scores, and with it the predictive distribution of a new task's scores. */
  posterior(prior: JointPrior): Posterior {
    if (this.fitted && this.fitted.prior === prior) return this.fitted;
    const { n } = this;
    const { mean, meanCovariance } = posteriorMean(n, prior, this.precision, this.evidence);
    const covariance = Float64Array.from(this.covariance, (v, i) => v + (meanCovariance[i] as number));
    this.fitted = { prior, gaussian: { n, mean, covariance }, meanCovariance };
    return this.fitted;
  }

  private account(row: Row, sign: 1 | -1): void {
    const t = row.models.length;
    const inverted = this.observedPrecision(row);
    for (let i = 0; i < t; i += 1) {
      const mi = row.models[i] as number;
      for (let j = 0; j < t; j += 1) {
        const mj = row.models[j] as number;
        const v = sign * (inverted[i * t + j] as number);
        this.precision[mi * this.n + mj]! += v;
        this.evidence[mi]! += v * (row.scores[j] as number);
      }
    }
  }

  private observedPrecision(row: Row): Matrix {
    const t = row.models.length;
    const block = submatrix(this.covariance, this.n, row.models);
    for (let i = 0; i < t; i += 1) block[i * t + i]! += (row.noise[i] as number) + 1e-6;
    return inverse(block, t);
  }

  private forgetOldest(): void {
    if (this.rows.size <= MAX_ROWS) return;
    const [oldest, row] = this.rows.entries().next().value as [string, Row];
    this.account(row, -1);
    this.rows.delete(oldest);
  }

  /** EM for the covariance with an inverse-Wishart prior; then the sums are rebuilt with it. */
  private refit(prior: JointPrior): void {
    for (let round = 0; round < EM_ROUNDS; round += 1) {
      const { mean } = this.posterior(prior).gaussian;
      const scatter = prior.covariance.map((v) => v * prior.covarianceWeight);
      for (const row of this.rows.values()) this.addExpectedScatter(row, mean, scatter);
      const weight = prior.covarianceWeight + this.rows.size;
      this.covariance = scatter.map((v) => v / weight);
      this.recount();
    }
  }

  /** The sums over all rows anew. */
  private recount(): void {
    this.precision = new Float64Array(this.n * this.n);
    this.evidence = new Float64Array(this.n);
    for (const row of this.rows.values()) this.account(row, 1);
    this.fitted = null;
  }

  /** E-step of one row: expected (x − mean)(x − mean)ᵀ given the observed scores. */
  private addExpectedScatter(row: Row, mean: Float64Array, scatter: Matrix): void {
    const { n, covariance } = this;
    const t = row.models.length;
    const inverted = this.observedPrecision(row);
    const residual = row.models.map((m, i) => (row.scores[i] as number) - (mean[m] as number));
    const gain = new Float64Array(n * t);
    const deviation = new Float64Array(n);
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < t; j += 1) {
        let sum = 0;
        for (let k = 0; k < t; k += 1) {
          sum += (covariance[i * n + (row.models[k] as number)] as number) * (inverted[k * t + j] as number);
        }
        gain[i * t + j] = sum;
        deviation[i]! += sum * (residual[j] as number);
      }
    }
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1) {
        let explained = 0;
        for (let k = 0; k < t; k += 1) {
          explained +=
            (gain[i * t + k] as number) * (covariance[(row.models[k] as number) * n + j] as number);
        }
        scatter[i * n + j]! +=
          (deviation[i] as number) * (deviation[j] as number) + (covariance[i * n + j] as number) - explained;
      }
    }
  }
}
