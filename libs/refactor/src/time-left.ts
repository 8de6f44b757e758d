/**
 * Says how long the rest of many tasks takes, as far as their pace tells. Times are ms of any one clock, passed in.
 * The pace is that of the moment a task finished last, so that an estimate falls while nothing happens.
 */
export class TimeLeft {
  private here = 0;
  private lastAtMs: number;

  /**
   * @param settledBefore tasks settled before `startedAtMs`; they say nothing about the pace
   * @param atOnce tasks that run side by side
   */
  constructor(
    private readonly startedAtMs: number,
    private readonly settledBefore: number,
    private readonly atOnce: number,
  ) {
    this.lastAtMs = startedAtMs;
  }

  /**
   * Time left, ms. `null` where the pace means nothing: fewer than three tasks finished, fewer remain than run at once
   * (all of them are under way, and the slowest decides), or nothing has finished for longer than the estimate.
   */
  after(settled: number, total: number, nowMs: number): number | null {
    const here = settled - this.settledBefore;
    if (here > this.here) {
      this.here = here;
      this.lastAtMs = nowMs;
    }
    const remaining = total - settled;
    if (here < MIN_FINISHED || remaining <= 0 || remaining < this.atOnce) return null;
    const estimateMs = ((this.lastAtMs - this.startedAtMs) / here) * remaining;
    const leftMs = estimateMs - (nowMs - this.lastAtMs);
    return leftMs > 0 ? leftMs : null;
  }
}

/** Two tasks may be quick by chance. */
const MIN_FINISHED = 3;
