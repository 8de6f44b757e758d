import { AcrError } from '@acrouter/domain/errors';
import { dotScans } from './dot-scan';

/** Rows of one block: 192 KiB at 384 dimensions, so that a tenant with few experiences costs little. */
export const BLOCK_ROWS = 128;
const LANES = 16;
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
const FLOAT_BYTES = 4;

/**
 * One growing WebAssembly memory that holds the vectors of all indexes of a process, in blocks of rows.
 * One memory, not one per tenant, since V8 sets gigabytes of address space aside for each.
 */
export class VectorArena {
  readonly dimensions: number;
  /** Floats from one row to the next: `dimensions` rounded up to the scan's step. */
  private readonly stride: number;
  private readonly memory: WebAssembly.Memory;
  private readonly scans: ReturnType<typeof dotScans>;
  /** Where the results of the first and the second query begin, floats. */
  private readonly results: readonly [number, number];
  private floats: Float32Array;
  private usedBytes: number;
  private readonly free: number[] = [];

  /** @throws RangeError unless `dimensions` is a whole number from 1 to 65,536. */
  constructor(dimensions: number) {
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 65_536)
      throw new RangeError(`dimensions must be a whole number from 1 to 65536, not ${dimensions}`);
    this.dimensions = dimensions;
    this.stride = Math.ceil(dimensions / LANES) * LANES;
    // Two queries lie at 0 and the results of one block for each behind them.
    this.results = [2 * this.stride, 2 * this.stride + BLOCK_ROWS];
    this.usedBytes = 2 * (this.stride + BLOCK_ROWS) * FLOAT_BYTES;
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.usedBytes / PAGE_BYTES),
      maximum: MAX_PAGES,
    });
    this.scans = dotScans(this.memory);
    this.floats = new Float32Array(this.memory.buffer);
  }

  /** Bytes of vectors and free blocks held by the process. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * Takes a block of `BLOCK_ROWS` rows; its address.
   * @throws AcrError ACR_INTERNAL when 4 GiB are full (about 2.8 million vectors of 384 dimensions).
   */
  allocate(): number {
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    const address = this.usedBytes;
    const end = address + BLOCK_ROWS * this.stride * FLOAT_BYTES;
    const missing = Math.ceil(end / PAGE_BYTES) - this.memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) this.grow(missing);
    this.usedBytes = end;
    return address;
  }

  /** Gives a block back. */
  release(block: number): void {
    this.free.push(block);
  }

  /** Writes one vector of `dimensions` floats into row `row` of a block. */
  write(block: number, row: number, vector: Float32Array): void {
    const at = block / FLOAT_BYTES + row * this.stride;
    this.floats.set(vector, at);
    this.floats.fill(0, at + this.dimensions, at + this.stride);
  }

  /** Sets the vectors that `score` or `scorePair` compares with. */
  setQueries(first: Float32Array, second?: Float32Array): void {
    // What pads a query to the stride is 0 from the start.
    this.floats.set(first, 0);
    if (second) this.floats.set(second, this.stride);
  }

  /** Dot products of the first query with the first `count` rows of a block; a view that the next call overwrites. */
  score(block: number, count: number): Float32Array {
    const [at] = this.results;
    this.scans.scan(block, count, 0, this.stride, at * FLOAT_BYTES);
    return this.floats.subarray(at, at + count);
  }

  /** The same for both queries, in little more than half the time of two. */
  scorePair(block: number, count: number): [Float32Array, Float32Array] {
    const [first, second] = this.results;
    this.scans.scanPair(block, count, 0, this.stride, first * FLOAT_BYTES, BLOCK_ROWS * FLOAT_BYTES);
    return [this.floats.subarray(first, first + count), this.floats.subarray(second, second + count)];
  }

  private grow(missingPages: number): void {
    // By a fifth at a time, so that filling from Postgres does not remap the memory for every block.
    const held = this.memory.buffer.byteLength / PAGE_BYTES;
    const wanted = Math.min(Math.max(missingPages, Math.ceil(held / 5)), MAX_PAGES - held);
    try {
      this.memory.grow(Math.max(missingPages, wanted));
    } catch (cause) {
      throw new AcrError(
        'ACR_INTERNAL',
        `The memory index is full at ${held} pages of 64 KiB. Lower ACR_MEMORY_CAPACITY or give each group of tenants its own memory service.`,
        { cause },
      );
    }
    this.floats = new Float32Array(this.memory.buffer);
  }
}
