import { SCRAPE_HOOKS, type ScrapeHook } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { ReportService } from './report.service';

/** Estimates are made anew at most so often, however many scrape, ms. */
const MAX_AGE_MS = 60_000;

/** Savings and regret with their intervals, over the newest settled tasks of all tenants. */
@Injectable()
export class ReportGauges {
  private madeAtMs = -Infinity;

  constructor(
    private readonly reports: ReportService,
    private readonly metrics: Metrics,
    @Inject(SCRAPE_HOOKS) hooks: ScrapeHook[],
  ) {
    hooks.push(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.madeAtMs < MAX_AGE_MS) return;
    this.madeAtMs = nowMs;
    const { strongest, regret } = await this.reports.estimates();
    if (strongest) {
      const [low, high] = strongest.savingUsdInterval;
      this.metrics.savingsUsd.set(strongest.savingUsd);
      this.metrics.savingsBound.set({ bound: 'low' }, low);
      this.metrics.savingsBound.set({ bound: 'high' }, high);
    }
    if (regret) {
      const [low, high] = regret.perTaskInterval;
      this.metrics.regretEstimate.set(regret.perTask);
      this.metrics.regretBound.set({ bound: 'low' }, low);
      this.metrics.regretBound.set({ bound: 'high' }, high);
    }
  }
}
