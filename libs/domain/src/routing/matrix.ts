/** Square matrices as row-major Float64Array of n·n numbers; n is the number of models, so they are tiny. */
export type Matrix = Float64Array;

/** common·11ᵀ + own·I: every pair covaries alike. */
export function exchangeable(n: number, own: number, common: number): Matrix {
  const matrix = new Float64Array(n * n).fill(common);
  for (let i = 0; i < n; i += 1) matrix[i * n + i] = own + common;
  return matrix;
}

const RIDGE = 1e-9;

/**
 * Inverse of a symmetric positive definite matrix by Gauss–Jordan without pivoting; a vanishing pivot is
 * replaced by a tiny one, so that a degenerate matrix yields large but finite numbers. O(n³).
 */
export function inverse(matrix: Matrix, n: number): Matrix {
  return inverseAndLogDet(matrix, n).inverse;
}

/** Inverse and logarithm of the determinant, in one pass. O(n³). */
export function inverseAndLogDet(matrix: Matrix, n: number): { inverse: Matrix; logDet: number } {
  const a = Float64Array.from(matrix);
  let logDet = 0;
  for (let p = 0; p < n; p += 1) {
    const found = a[p * n + p] as number;
    const pivot = 1 / (found > RIDGE ? found : RIDGE);
    logDet -= Math.log(pivot);
    a[p * n + p] = 1;
    for (let j = 0; j < n; j += 1) a[p * n + j] = (a[p * n + j] as number) * pivot;
    for (let i = 0; i < n; i += 1) {
      if (i === p) continue;
      const factor = a[i * n + p] as number;
      if (factor === 0) continue;
      a[i * n + p] = 0;
      for (let j = 0; j < n; j += 1) {
        a[i * n + j] = (a[i * n + j] as number) - factor * (a[p * n + j] as number);
      }
    }
  }
  return { inverse: a, logDet };
}

/** vector · vector. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** matrix · vector. */
export function times(matrix: Matrix, vector: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    let sum = 0;
    for (let j = 0; j < n; j += 1) sum += (matrix[i * n + j] as number) * (vector[j] as number);
    out[i] = sum;
  }
  return out;
}

/** Rows and columns `index` of a matrix. */
export function submatrix(matrix: Matrix, n: number, index: readonly number[]): Matrix {
  const t = index.length;
  const out = new Float64Array(t * t);
  for (let i = 0; i < t; i += 1) {
    for (let j = 0; j < t; j += 1) {
      out[i * t + j] = matrix[(index[i] as number) * n + (index[j] as number)] as number;
    }
  }
  return out;
}

/** Mean and covariance of a Gaussian over n variables. */
export interface Gaussian {
  n: number;
  mean: Float64Array;
  covariance: Matrix;
}

/**
 * The Gaussian given that variable `i` was seen at `value` with measurement variance `noise`. Variable i
 * itself keeps what noise leaves open. O(n²).
 */
export function condition(g: Gaussian, i: number, value: number, noise: number): Gaussian {
  const { n } = g;
  const mean = Float64Array.from(g.mean);
  const covariance = Float64Array.from(g.covariance);
  const gain = 1 / Math.max((g.covariance[i * n + i] as number) + noise, RIDGE);
  const surprise = value - (g.mean[i] as number);
  for (let j = 0; j < n; j += 1) {
    const weight = (g.covariance[j * n + i] as number) * gain;
    mean[j] = (mean[j] as number) + weight * surprise;
    for (let k = 0; k < n; k += 1) {
      covariance[j * n + k] =
        (covariance[j * n + k] as number) - weight * (g.covariance[i * n + k] as number);
    }
  }
  return { n, mean, covariance };
}

/** Density of the standard normal distribution. */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** Distribution function of the standard normal; absolute error under 1e-7. source: Abramowitz & Stegun 26.2.17. */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = normalDensity(z) * poly;
  return z >= 0 ? 1 - upper : upper;
}
