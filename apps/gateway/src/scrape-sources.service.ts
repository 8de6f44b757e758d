import { within } from '@acrouter/queue/time-limit';
import { SCRAPE_HOOKS, type ScrapeHook } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';

/** How long a scrape waits for any one source, ms; Prometheus itself gives up after 10 s. */
const LIMIT_MS = 2_000;

/** Gauges that are read from Redis or Postgres when somebody scrapes. */
export interface ScrapeSource {
  /** The label `source` of `acrouter_scrape_failures_total`. */
  name: string;
  /** However many scrape, the figures are read anew at most so often, ms. */
  maxAgeMs: number;
  /** Reads the figures and sets the gauges. */
  refresh(): Promise<void>;
  /** Takes the gauges' series away, so that old figures do not pass for new ones. */
  leaveOut(): void;
}

interface Progress {
  madeAtMs: number;
  /** The refresh under way: settles with it, or is rejected at the limit while the refresh goes on. */
  running: Promise<void> | null;
}

/** Keeps a scrape from waiting for what does not answer: figures that come too late are left out and counted. */
@Injectable()
export class ScrapeSources {
  constructor(
    private readonly metrics: Metrics,
    @Inject(SCRAPE_HOOKS) private readonly hooks: ScrapeHook[],
  ) {}

  /** Has `source` refreshed before /metrics is answered. A scrape that comes during a refresh shares it. */
  add(source: ScrapeSource): void {
    const progress: Progress = { madeAtMs: -Infinity, running: null };
    this.hooks.push(() => this.scrape(source, progress));
  }

  private async scrape(source: ScrapeSource, progress: Progress): Promise<void> {
    if (progress.running === null && Date.now() - progress.madeAtMs < source.maxAgeMs) return;
    progress.running ??= within(run(source, progress), LIMIT_MS, `no figures of ${source.name}`);
    try {
      await progress.running;
    } catch {
      source.leaveOut();
      this.metrics.scrapeFailures.inc({ source: source.name });
    }
  }
}

/** Figures that come after the limit are as good for the next scrape as any, and so count as made. */
async function run(source: ScrapeSource, progress: Progress): Promise<void> {
  try {
    await source.refresh();
    progress.madeAtMs = Date.now();
  } finally {
    progress.running = null;
  }
}
