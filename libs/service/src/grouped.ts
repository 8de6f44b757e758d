const MAX_ITEMS = 512;
/**
 * A process that is asked more than 250 times per second does sixteen groups per second, of dozens or hundreds; one that is
 * asked less does up to a hundred small ones, and nobody waits long for company.
 */
const GAP = { perItemMs: 4, leastMs: 10, mostMs: 60 };

/** How `Grouped` makes its groups. */
export interface GroupedOptions<In> {
  /** Two items of one key never share a group: the later waits for the next. Default: all keys differ. */
  keyOf?: (item: In) => string;
  /** Most items of one group. Default 512. */
  maxItems?: number;
  /** Groups under way at once. Default 1: while one is with Postgres, the next one grows. */
  parallel?: number;
  /**
   * Least time from the start of one group to that of the next, ms. A process that is idle starts at once. Default: 4
   * for each item of the last group, but at least 10 and at most 60.
   */
  gapMs?: number;
}

interface Waiting<In, Out> {
  item: In;
  resolve: (out: Out) => void;
  reject: (error: unknown) => void;
}

/**
 * Does the work of concurrent jobs together: whoever asks while a group is under way is in the next one. A lone job
 * waits for nobody, and the busier the process, the larger its groups: one statement and one commit serve them all.
 *
 * `work` must do all or nothing (one transaction, or reads only). When a group fails, each of its items is done
 * again alone, so that one bad item fails by itself, and the others as they would without it.
 */
export class Grouped<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private running = 0;
  private scheduled = false;
  private startedMs = -Infinity;
  private lastSize = 0;

  /** @param work gives one result per item, in their order. */
  constructor(
    private readonly work: (items: readonly In[]) => Promise<readonly Out[]>,
    private readonly options: GroupedOptions<In> = {},
  ) {}

  /** The result for one item. @throws what `work` throws for it alone. */
  do(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** Starts after what is ready to run now, so that jobs which were answered together ask together. */
  private schedule(): void {
    if (this.scheduled || this.waiting.length === 0 || this.running >= (this.options.parallel ?? 1)) return;
    this.scheduled = true;
    const waitMs = this.startedMs + this.gapMs() - performance.now();
    if (waitMs > 0 && this.waiting.length < (this.options.maxItems ?? MAX_ITEMS))
      setTimeout(() => this.start(), waitMs);
    else setImmediate(() => this.start());
  }

  private gapMs(): number {
    const { perItemMs, leastMs, mostMs } = GAP;
    return this.options.gapMs ?? Math.min(mostMs, Math.max(leastMs, perItemMs * this.lastSize));
  }

  private start(): void {
    this.scheduled = false;
    this.startedMs = performance.now();
    const group = this.take();
    this.lastSize = group.length;
    this.running += 1;
    void this.carryOut(group).finally(() => {
      this.running -= 1;
      this.schedule();
    });
    this.schedule();
  }

  private take(): Waiting<In, Out>[] {
    const { keyOf, maxItems = MAX_ITEMS } = this.options;
    const keys = new Set<string>();
    const group: Waiting<In, Out>[] = [];
    const rest: Waiting<In, Out>[] = [];
    for (const one of this.waiting) {
      const key = keyOf?.(one.item);
      if (group.length >= maxItems || (key !== undefined && keys.has(key))) rest.push(one);
      else group.push(one);
      if (key !== undefined) keys.add(key);
    }
    this.waiting = rest;
    return group;
  }

  private async carryOut(group: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.work(group.map((one) => one.item));
      if (results.length !== group.length) throw new Error('A group must give one result per item');
      group.forEach((one, i) => one.resolve(results[i] as Out));
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      else await this.oneByOne(group);
    }
  }

  private async oneByOne(group: readonly Waiting<In, Out>[]): Promise<void> {
    for (const one of group) await this.carryOut([one]);
  }
}
