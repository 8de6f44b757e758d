/** Turns text into a vector whose cosine with other vectors says how alike the texts are. */
export interface Embedder {
  /** Names the vector space. Vectors of different ids must never be compared; stored with every experience. */
  readonly id: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /**
   * Unit-length vector of `text`; any text is allowed, the empty one too.
   * @throws AcrError ACR_PROVIDER_OUTAGE (worth repeating) or ACR_PROVIDER_REFUSED, for remote embedders only.
   */
  embed(text: string, signal?: AbortSignal): Promise<Float32Array>;
}

/**
 * Scales `v` to length 1, in place, and returns it.
 * @throws RangeError when a component is not finite or all are 0: such a vector has no direction.
 */
export function normalise(v: Float32Array): Float32Array {
  const sum = squares(v);
  if (!Number.isFinite(sum) || sum === 0)
    throw new RangeError('A vector without direction: all zero, or not finite');
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < v.length; i++) v[i]! *= scale;
  return v;
}

/** Whether all components are finite and the vector is of length 1 (within 0.001), or 0. */
export function isUnit(v: Float32Array): boolean {
  const sum = squares(v);
  return sum === 0 || Math.abs(sum - 1) <= 0.002;
}

function squares(v: Float32Array): number {
  let sum = 0;
  // Not for…of: its iterator takes several times as long.
  for (let i = 0; i < v.length; i++) sum += v[i]! * v[i]!;
  return sum;
}
