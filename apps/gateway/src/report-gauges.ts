import { Metrics } from '@acrouter/telemetry/metrics';
import { Injectable } from '@nestjs/common';
import { ReportService } from './report.service';
import { ScrapeSources } from './scrape-sources.service';

/** Estimates are made anew at most so often, however many scrape, ms. */
const MAX_AGE_MS = 60_000;

/** Savings and regret with their intervals, over the newest settled tasks of all tenants. */
@Injectable()
export class ReportGauges {
  constructor(
    private readonly reports: ReportService,
    private readonly metrics: Metrics,
    sources: ScrapeSources,
  ) {
    sources.add({
      name: 'report',
      maxAgeMs: MAX_AGE_MS,
      refresh: () => this.refresh(),
      leaveOut: () => this.leaveOut(),
    });
  }

  private async refresh(): Promise<void> {
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

  private leaveOut(): void {
    const { savingsUsd, savingsBound, regretEstimate, regretBound } = this.metrics;
    savingsBound.reset();
    regretBound.reset();
    // Without labels, `reset` would say 0.
    for (const gauge of [savingsUsd, regretEstimate]) gauge.remove();
  }
}
