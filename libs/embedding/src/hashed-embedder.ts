import { CODE_FEATURES, FEATURE_WEIGHT, type FeatureKind, type FeatureScheme } from './code-features';
import { normalise, type Embedder } from './embedder';

/** Rows of 384 floats fit into a Postgres page without being moved out of line. */
const HASHED_DIMENSIONS = 384;

/** What tells a kind's features from the same text of another kind, and what they weigh. */
const KINDS = Object.fromEntries(
  Object.entries(FEATURE_WEIGHT).map(([kind, weight], i) => [
    kind,
    { seed: 0x811c9dc5 ^ Math.imul(i + 1, 0x9e3779b1), weight },
  ]),
) as Record<FeatureKind, { seed: number; weight: number }>;

/**
 * The default embedding: no download, no network, the same on every machine. Lexical features are hashed into
 * `dimensions` buckets with signs, so that collisions cancel on average; a feature seen t times counts
 * 1 + ln t (source: feature hashing, Weinberger et al., ICML 2009; sublinear tf, Manning et al., 2008, §6.4.1).
 * It sees words, not meaning: two wordings of one problem that share no word are strangers to it.
 */
export class HashedEmbedder implements Embedder {
  readonly id: string;

  /** @param scheme other features than the default's; `acr bench retrieval` compares them */
  constructor(
    readonly dimensions = HASHED_DIMENSIONS,
    private readonly scheme: FeatureScheme = CODE_FEATURES,
  ) {
    this.id = `${scheme.name}/${dimensions}`;
  }

  async embed(text: string): Promise<Float32Array> {
    return this.embedNow(text);
  }

  /** As `embed`, without waiting. 0.2 ms for a prompt of 1,000 characters. */
  embedNow(text: string): Float32Array {
    const { shapeShare } = this.scheme;
    const lexical = new FeatureCounts();
    const shapes = new FeatureCounts();
    this.scheme.each(text, (kind, feature) => (kind === 'shape' ? shapes : lexical).add(kind, feature));
    const vector = lexical.toVector(this.dimensions);
    if (shapeShare === 0) return vector;
    const shape = shapes.toVector(this.dimensions);
    for (let i = 0; i < vector.length; i++)
      vector[i] = Math.sqrt(1 - shapeShare) * vector[i]! + Math.sqrt(shapeShare) * shape[i]!;
    return normalise(vector);
  }
}

interface Counted {
  /** A signed 32-bit number, which V8 keeps without a box. */
  hashed: number;
  weight: number;
  count: number;
}

/** How often each feature was seen, by its hash. */
class FeatureCounts {
  private readonly seen = new Map<number, Counted>();

  add(kind: FeatureKind, feature: string): void {
    const { seed, weight } = KINDS[kind];
    const hashed = hash(feature, seed);
    const known = this.seen.get(hashed);
    if (known) known.count += 1;
    else this.seen.set(hashed, { hashed, weight, count: 1 });
  }

  /** The unit-length vector of signed, weighted counts; a fixed one when there is nothing to tell. */
  toVector(dimensions: number): Float32Array {
    const vector = new Float32Array(dimensions);
    for (const { hashed, weight, count } of this.seen.values()) {
      const x = count === 1 ? weight : weight * (1 + Math.log(count));
      // The lowest bit gives the sign and the rest the bucket, so that the two are independent.
      vector[(hashed >>> 1) % dimensions]! += hashed & 1 ? x : -x;
    }
    // No feature at all, or few that cancel each other out.
    if (vector.every((x) => x === 0)) vector[0] = 1;
    return normalise(vector);
  }
}

/** FNV-1a over UTF-16 units with a murmur3 finish: FNV alone leaves the low bits of short strings alike. */
function hash(text: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
