import { DIMENSIONS } from '../task';
import type { TaskContext } from './policy';

/** Buckets for language, source and difficulty, and for the projected text features. */
const METADATA_BUCKETS = 24;
const TEXT_BUCKETS = 16;

/** Length of a context's feature vector. */
export const CONTEXT_FEATURES = 1 + DIMENSIONS.length + METADATA_BUCKETS + TEXT_BUCKETS;

/** 32-bit FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/**
 * A context as numbers: bias, one-hot dimension, hashed language, source and difficulty, and the text
 * embedding folded to 16 numbers with signs from a hash (a sparse random projection).
 * source: arXiv 2606.22902, Table 4 (LinUCB on metadata one-hots or a random projection).
 */
export function contextFeatures(context: TaskContext): Float64Array {
  const x = new Float64Array(CONTEXT_FEATURES);
  x[0] = 1;
  const dimension = DIMENSIONS.indexOf(context.dimension);
  if (dimension >= 0) x[1 + dimension] = 1;
  const base = 1 + DIMENSIONS.length;
  const bump = (text: string) => {
    x[base + (hash(text) % METADATA_BUCKETS)]! += 1;
  };
  bump(`language ${context.language}`);
  if (context.source !== null) bump(`source ${context.dimension} ${context.source}`);
  if (context.difficulty !== null) bump(`difficulty ${context.difficulty}`);
  const text = context.features;
  if (text) {
    for (let i = 0; i < text.length; i += 1) {
      const value = text[i] as number;
      if (!Number.isFinite(value)) continue;
      const sign = (Math.imul(i + 1, 0x9e3779b1) >>> 16) & 1 ? 1 : -1;
      x[base + METADATA_BUCKETS + (i % TEXT_BUCKETS)]! += sign * value;
    }
  }
  return x;
}
