import { AcrError } from '@acrouter/domain/errors';
import { dotScan, type DotScan } from './dot-scan';

/** Rows of one block: 192 KiB at 384 dimensions, so that a tenant with few experiences costs little. */
export const BLOCK_ROWS = 128;
/** Queries that the arena holds at once. */
export const QUERY_SLOTS = 64;
const LANES = 16;
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
/** Bytes of a component's high part; the low part has as many. */
const PART_BYTES = 2;
/** A component is (high + low / LOW_SCALE) / HIGH_SCALE, both whole and within ±32,767 (dot-scan.wat). */
const HIGH_SCALE = 32_767;
const LOW_SCALE = 65_534;
const MAX_INT32 = 2 ** 31 - 1;
/** A sum of float32 may be off by more than its bar is above the true product. */
const ROUNDING = 1e-6;
/** Where a query slot's parts begin, bytes (dot-scan.wat). */
const SLOT = { hits: 4, components: 32 };
const HIT_BYTES = 8;

/**
 * One growing WebAssembly memory that holds the vectors of all indexes of a process, in blocks of rows.
 * One memory, not one per tenant, since V8 sets gigabytes of address space aside for each.
 */
export class VectorArena {
  readonly dimensions: number;
  /** Bytes of the high (or low) parts of a row: dimensions rounded up to the scan's step. */
  private readonly rowBytes: number;
  private readonly slotBytes: number;
  /** Length of what the high parts leave out of a vector: the most of any row, and that of each slot's query. */
  private rowError = 0;
  private readonly queryError = new Float64Array(QUERY_SLOTS + 1);
  private readonly memory: WebAssembly.Memory;
  private readonly scanBlock: DotScan;
  private shorts!: Int16Array;
  private ints!: Int32Array;
  private floats!: Float32Array;
  private usedBytes: number;
  private readonly free: number[] = [];

  /** @throws RangeError unless `dimensions` is a whole number from 1 to 65,536. */
  constructor(dimensions: number) {
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 65_536)
      throw new RangeError(`dimensions must be a whole number from 1 to 65536, not ${dimensions}`);
    this.dimensions = dimensions;
    this.rowBytes = Math.ceil(dimensions / LANES) * LANES * PART_BYTES;
    this.slotBytes = SLOT.components + 3 * this.rowBytes + HIT_BYTES * BLOCK_ROWS;
    // The slots come first, with one more whose bar is never reached: a lone query's partner.
    this.usedBytes = (QUERY_SLOTS + 1) * this.slotBytes;
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(this.usedBytes / PAGE_BYTES),
      maximum: MAX_PAGES,
    });
    this.scanBlock = dotScan(this.memory);
    this.view();
    this.setBar(QUERY_SLOTS, Infinity);
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
    const end = address + 2 * BLOCK_ROWS * this.rowBytes;
    const missing = Math.ceil(end / PAGE_BYTES) - this.memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) this.grow(missing);
    this.usedBytes = end;
    return address;
  }

  /** Gives a block back. */
  release(block: number): void {
    this.free.push(block);
  }

  /** Writes a vector of `dimensions` components, each within ±1, into row `row` of a block; exact to 2e-10. */
  write(block: number, row: number, vector: Float32Array): void {
    const high = (block + row * this.rowBytes) / PART_BYTES;
    const low = high + (BLOCK_ROWS * this.rowBytes) / PART_BYTES;
    const { shorts } = this;
    let squares = 0;
    for (let i = 0; i < vector.length; i++) {
      const scaled = toHigh(vector[i]!);
      const rounded = Math.round(scaled);
      const rest = scaled - rounded;
      squares += rest * rest;
      shorts[high + i] = rounded;
      shorts[low + i] = Math.round(rest * LOW_SCALE);
    }
    this.rowError = Math.max(this.rowError, Math.sqrt(squares) / HIGH_SCALE);
    const padding = this.rowBytes / PART_BYTES;
    shorts.fill(0, high + vector.length, high + padding);
    shorts.fill(0, low + vector.length, low + padding);
  }

  /** Sets the query of a slot in [0, QUERY_SLOTS): `dimensions` components, each within ±1. */
  setQuery(slot: number, query: Float32Array): void {
    const high = (slot * this.slotBytes + SLOT.components) / PART_BYTES;
    const whole = (slot * this.slotBytes + SLOT.components + this.rowBytes) / 4;
    let squares = 0;
    // What pads a query is 0 from the start.
    for (let i = 0; i < query.length; i++) {
      const scaled = toHigh(query[i]!);
      const rounded = Math.round(scaled);
      squares += (scaled - rounded) ** 2;
      this.shorts[high + i] = rounded;
      this.floats[whole + i] = scaled / HIGH_SCALE / HIGH_SCALE;
    }
    this.queryError[slot] = Math.sqrt(squares) / HIGH_SCALE;
  }

  /** Sets the least dot product that a slot's query wants to hear of. */
  setBar(slot: number, bar: number): void {
    // |x·y − x'·y'| ≤ |x − x'| |y| + |x'| |y − y'|, where x' and y' are the high parts of unit vectors (1.01: give or take).
    const [row, query] = [this.rowError, this.queryError[slot]!];
    const margin = 1.01 * (row + query + row * query) + ROUNDING;
    const high = Math.floor((bar - margin) * HIGH_SCALE * HIGH_SCALE);
    this.ints[(slot * this.slotBytes) / 4] = Math.max(-MAX_INT32, Math.min(MAX_INT32, high));
  }

  /**
   * Compares the rows [from, to) of a block with the queries of one slot or two, in little more time for two; `from` is a
   * multiple of 4. `hits` tells what was found, until the next scan.
   */
  scan(block: number, from: number, to: number, first: number, second = QUERY_SLOTS): void {
    const { rowBytes, slotBytes } = this;
    this.scanBlock(
      block + from * rowBytes,
      to - from,
      rowBytes,
      BLOCK_ROWS * rowBytes,
      first * slotBytes,
      second * slotBytes,
    );
  }

  /**
   * Visits, in their order and counted from the first that was scanned, the rows whose dot product with the slot's query
   * reaches its bar; perhaps some that lie just below it, and some behind the last. Dot products are as exact as sums of
   * float32 are.
   */
  hits(slot: number, visit: (row: number, dot: number) => void): void {
    const head = (slot * this.slotBytes) / 4;
    const list = head + (SLOT.components + 3 * this.rowBytes) / 4;
    const count = this.ints[head + SLOT.hits / 4]!;
    for (let i = 0; i < count; i++) visit(this.ints[list + 2 * i]!, this.floats[list + 2 * i + 1]!);
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
    this.view();
  }

  private view(): void {
    const { buffer } = this.memory;
    this.shorts = new Int16Array(buffer);
    this.ints = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
  }
}

/** A component in steps of the high part. float32 rounding can carry one past ±1. */
const toHigh = (x: number) => Math.min(1, Math.max(-1, x)) * HIGH_SCALE;
