import { isUnit } from './embedder';
import { BLOCK_ROWS, QUERY_SLOTS, type VectorArena } from './vector-arena';

/** Something found, and how alike it is. */
export interface Match<T> {
  entry: T;
  /** Cosine in [threshold, 1]. */
  similarity: number;
}

export interface SearchOptions<T> {
  /** Most matches wanted. Default 10 (source: arXiv 2606.22902, App. A). */
  k?: number;
  /** Least cosine of a match. Default 0.5 (same source). */
  threshold?: number;
  /** Entries it refuses are passed over. Asked only about entries that would otherwise be among the matches. */
  accept?: (entry: T) => boolean;
}

/** One of many searches. */
export type Search<T> = SearchOptions<T> & { query: Float32Array };

/** Entries kept by default (source: arXiv 2606.22902, App. A). */
export const DEFAULT_CAPACITY = 20_000;
/** Rows of a stretch of the newest block. */
const FIRST_ROWS = 16;
/** float32 rounding can carry the cosine of equal vectors past 1. */
const clampCosine = (x: number) => Math.min(1, Math.max(-1, x));

/**
 * Exact cosine top-k over the newest `capacity` entries, first in, first out. O(n · dimensions) per search.
 * Two indexes that were given the same entries in the same order answer alike.
 */
export class VectorIndex<T> {
  private readonly blocks: number[] = [];
  private readonly entries: T[] = [];
  /** Slot that the next entry takes, once all slots are taken. */
  private oldest = 0;

  constructor(
    private readonly arena: VectorArena,
    private readonly capacity = DEFAULT_CAPACITY,
  ) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be a whole number of at least 1, not ${capacity}`);
  }

  get size(): number {
    return this.entries.length;
  }

  /**
   * Adds an entry under a unit-length vector; the oldest gives way when the index is full and is returned.
   * @throws RangeError when the vector has another length than the arena's or is not of length 1.
   */
  add(vector: Float32Array, entry: T): T | undefined {
    this.check(vector);
    const full = this.entries.length === this.capacity;
    const slot = full ? this.oldest : this.entries.length;
    if (slot === this.blocks.length * BLOCK_ROWS) this.blocks.push(this.arena.allocate());
    this.arena.write(this.blocks[Math.floor(slot / BLOCK_ROWS)]!, slot % BLOCK_ROWS, vector);
    const evicted = this.entries[slot];
    this.entries[slot] = entry;
    if (!full) return undefined;
    this.oldest = (slot + 1) % this.capacity;
    return evicted;
  }

  /** The entries most alike, best first; the newer first among equals. */
  search(query: Float32Array, options: SearchOptions<T> = {}): Match<T>[] {
    return this.searchAll([{ query, ...options }])[0]!;
  }

  /**
   * Many searches, answered in their order: each block of vectors comes into the processor's cache once for all of them,
   * and two queries share a scan.
   */
  searchAll(searches: readonly Search<T>[]): Match<T>[][] {
    searches.forEach(({ query }) => this.check(query));
    const found: Match<T>[][] = [];
    for (let i = 0; i < searches.length; i += QUERY_SLOTS)
      found.push(...this.searchSlots(searches.slice(i, i + QUERY_SLOTS)));
    return found;
  }

  private searchSlots(searches: readonly Search<T>[]): Match<T>[][] {
    searches.forEach(({ query }, slot) => this.arena.setQuery(slot, query));
    const tops = searches.map(topK);
    this.eachStretch((block, from, to, base) => {
      tops.forEach((top, slot) => this.arena.setBar(slot, top.bar));
      for (let slot = 0; slot < tops.length; slot += 2) {
        const other = slot + 1 < tops.length ? slot + 1 : undefined;
        this.arena.scan(block, from, to, slot, other);
        this.offer(slot, tops[slot]!, base + from, to - from, searches[slot]!);
        if (other !== undefined) this.offer(other, tops[other]!, base + from, to - from, searches[other]!);
      }
    });
    return tops.map((top) => this.matches(top));
  }

  /** Forgets everything and gives its memory back. */
  clear(): void {
    for (const block of this.blocks.splice(0)) this.arena.release(block);
    this.entries.length = 0;
    this.oldest = 0;
  }

  /**
   * Visits rows [from, to) of each block, and the slot of the block's first row. The newest block comes first: who comes
   * later must be better, not only as good. It is visited in short stretches, so that the bar rises early.
   */
  private eachStretch(visit: (block: number, from: number, to: number, base: number) => void): void {
    const { length } = this.blocks;
    const newest = Math.floor(((this.oldest + this.size - 1) % this.size) / BLOCK_ROWS);
    for (let i = 0; i < length; i++) {
      const b = (newest - i + length) % length;
      const base = b * BLOCK_ROWS;
      const count = Math.min(BLOCK_ROWS, this.size - base);
      const step = i === 0 ? FIRST_ROWS : BLOCK_ROWS;
      for (let from = 0; from < count; from += step)
        visit(this.blocks[b]!, from, Math.min(from + step, count), base);
    }
  }

  private offer(slot: number, best: TopK, first: number, count: number, { accept }: SearchOptions<T>): void {
    this.arena.hits(slot, (row, score) => {
      if (row >= count || score < best.bar) return;
      const at = first + row;
      if (accept === undefined || accept(this.entries[at]!)) best.offer(score, at, this.age(at));
    });
  }

  private matches(best: TopK): Match<T>[] {
    return best.found.map(({ slot, score }) => ({
      entry: this.entries[slot]!,
      similarity: clampCosine(score),
    }));
  }

  /** Entries that came before this slot's. */
  private age(slot: number): number {
    return (slot - this.oldest + this.entries.length) % this.entries.length;
  }

  private check(vector: Float32Array): void {
    if (vector.length !== this.arena.dimensions)
      throw new RangeError(`a vector of ${vector.length} in an index of ${this.arena.dimensions} dimensions`);
    if (!isUnit(vector)) throw new RangeError('a vector whose length is not 1, or not finite');
  }
}

interface Hit {
  score: number;
  slot: number;
  order: number;
}

/** The k best so far, best first. k is small, so insertion beats a heap. */
class TopK {
  readonly found: Hit[] = [];
  /** Scores below this cannot get in. */
  bar: number;

  constructor(
    private readonly k: number,
    threshold: number,
  ) {
    this.bar = k > 0 ? threshold : Infinity;
  }

  offer(score: number, slot: number, order: number): void {
    const hit = { score, slot, order };
    let at = this.found.length;
    while (at > 0 && isBetter(hit, this.found[at - 1]!)) at--;
    if (at >= this.k) return;
    this.found.splice(at, 0, hit);
    if (this.found.length > this.k) this.found.pop();
    if (this.found.length === this.k) this.bar = this.found[this.k - 1]!.score;
  }
}

const topK = ({ k, threshold }: SearchOptions<never>): TopK => new TopK(k ?? 10, threshold ?? 0.5);

const isBetter = (a: Hit, b: Hit) => a.score > b.score || (a.score === b.score && a.order > b.order);
