import { normalise } from '@acrouter/embedding/embedder';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';
import { VectorArena } from '@acrouter/embedding/vector-arena';
import { VectorIndex } from '@acrouter/embedding/vector-index';
import { quantile } from './rows';
import { seededRandom } from '@acrouter/domain/seeded-random';

/** Median and 99th percentile, µs. */
export interface Micros {
  p50Micros: number;
  p99Micros: number;
}

/** The neighbour search of the memory service beside a bare scan of the same matrix. */
export interface SearchTiming {
  memories: number;
  /** Length of a vector of the default embedding. */
  dimensions: number;
  neighbours: number;
  searches: number;
  /** Search and choice of the neighbours, by the index that the memory service holds per tenant. */
  index: Micros;
  /** Dot products of the query with every row, in a plain loop over one Float32Array; nothing is chosen. */
  bareScan: Micros;
  /** index.p50Micros / bareScan.p50Micros */
  ratio: number;
  /** index.p99Micros / bareScan.p99Micros */
  ratioP99: number;
}

const NEIGHBOURS = 10;
const THRESHOLD = 0.5;
/** Kinds of tasks; each memory lies near one of them, so that hundreds pass the threshold, as in real use. */
const KINDS = 50;
/** Searches before the clock starts: until then the code is being compiled. */
const WARM_UP = 30;

/**
 * Times `searches` neighbour searches among `memories` vectors of the default embedding's length, in turns
 * with a bare scan of the same numbers. Takes memories × dimensions × 8 bytes.
 */
export function timeNeighbourSearch(memories: number, searches: number): SearchTiming {
  const { dimensions } = new HashedEmbedder();
  const vectors = clusteredVectors(memories + KINDS, dimensions);
  const index = new VectorIndex<{ taskId: string; model: string }>(
    new VectorArena(dimensions),
    Math.max(memories, 1),
  );
  const matrix = new Float32Array(memories * dimensions);
  vectors.slice(0, memories).forEach((vector, i) => {
    index.add(vector, { taskId: `t${i}`, model: `model-${i % 8}` });
    matrix.set(vector, i * dimensions);
  });
  const scores = new Float32Array(memories);
  const pool = new Map(Array.from({ length: 8 }, (_, m) => [`model-${m}`, true]));
  const accept = (entry: { taskId: string; model: string }) =>
    pool.get(entry.model) === true && entry.taskId !== 'asked';
  const indexMicros: number[] = [];
  const bareMicros: number[] = [];
  for (let i = 0; i < searches + WARM_UP; i += 1) {
    const query = vectors[memories + (i % KINDS)] as Float32Array;
    const bare = microsOf(() => bareScan(matrix, query, scores));
    const found = microsOf(() => index.search(query, { k: NEIGHBOURS, threshold: THRESHOLD, accept }));
    if (i < WARM_UP) continue;
    indexMicros.push(found);
    bareMicros.push(bare);
  }
  const [a, b] = [microsSummary(indexMicros), microsSummary(bareMicros)];
  return {
    memories,
    dimensions,
    neighbours: NEIGHBOURS,
    searches,
    index: a,
    bareScan: b,
    ratio: a.p50Micros / b.p50Micros,
    ratioP99: a.p99Micros / b.p99Micros,
  };
}

/** Dot product of `query` with each row of `matrix` (rows one after the other), into `scores`. */
function bareScan(matrix: Float32Array, query: Float32Array, scores: Float32Array): void {
  const { length } = query;
  for (let row = 0, at = 0; row < scores.length; row += 1) {
    let sum = 0;
    for (let i = 0; i < length; i += 1, at += 1) sum += (matrix[at] as number) * (query[i] as number);
    scores[row] = sum;
  }
}

/** Unit vectors spread around `KINDS` directions, at a cosine of about 0.6 to each other within one. */
function clusteredVectors(count: number, dimensions: number): Float32Array[] {
  const random = seededRandom(1);
  const direction = () => normalise(Float32Array.from({ length: dimensions }, () => random() - 0.5));
  const kinds = Array.from({ length: KINDS }, direction);
  return Array.from({ length: count }, (_, i) => {
    const noise = direction();
    const kind = kinds[i % KINDS] as Float32Array;
    return normalise(noise.map((x, d) => 0.63 * x + 0.77 * (kind[d] as number)));
  });
}

/** Time that `work` takes, µs. */
export function microsOf(work: () => unknown): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1_000;
}

/** Median and 99th percentile of times, which it sorts in place. */
export function microsSummary(micros: number[]): Micros {
  micros.sort((a, b) => a - b);
  return { p50Micros: quantile(micros, 0.5), p99Micros: quantile(micros, 0.99) };
}
