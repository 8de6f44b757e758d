/** How `Grouped` makes its groups. */
export interface GroupedOptions<In> {
  /** Two items of one key never share a group: the later waits for the next. Default: all keys differ. */
  keyOf?: (item: In) => string;
  /** Most items of one group. Default 64. */
  maxItems?: number;
  /** Groups under way at once. Default 2: one computes here while the other is with Postgres. */
  parallel?: number;
}

interface Waiting<In, Out> {
  item: In;
  resolve: (out: Out) => void;
  reject: (error: unknown) => void;
}

/**
 * Does the work of concurrent jobs together: whoever asks while groups are under way is in the next one. Nobody
 * waits for company, so a lone job is as quick as before, and the busier the process, the larger its groups:
 * one statement and one commit serve them all.
 *
 * `work` must do all or nothing (one transaction, or reads only). When a group fails, each of its items is done
 * again alone, so that one bad item fails by itself, and the others as they would without it.
 */
export class Grouped<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private running = 0;
  private scheduled = false;

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
    if (this.scheduled || this.waiting.length === 0 || this.running >= (this.options.parallel ?? 2)) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      const group = this.take();
      this.running += 1;
      void this.carryOut(group).finally(() => {
        this.running -= 1;
        this.schedule();
      });
      this.schedule();
    });
  }

  private take(): Waiting<In, Out>[] {
    const { keyOf, maxItems = 64 } = this.options;
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
