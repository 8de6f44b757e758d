import type { Database } from '@acrouter/db/client';
import { sumBudgets } from '@acrouter/db/budget-sums';
import { readBacklogSums } from '@acrouter/db/backlog-store';
import { PRIORITIES, priorityRank } from '@acrouter/domain/admission';
import type { QueueConnection } from '@acrouter/queue/connection';
import { queueCounts } from '@acrouter/queue/queue-counts';
import { DATABASE, QUEUE } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { ScrapeSources } from './scrape-sources.service';

/**
 * Gauges about the whole system, which any one process can tell: queue lengths and ages, and budgets. Every
 * gateway reports the same, so dashboards take the maximum, not the sum, over gateways.
 */
@Injectable()
export class QueueGauges {
  constructor(
    @Inject(QUEUE) private readonly queue: QueueConnection,
    @Inject(DATABASE) private readonly db: Database,
    private readonly metrics: Metrics,
    sources: ScrapeSources,
  ) {
    sources.add({
      name: 'queues',
      maxAgeMs: 2_000,
      refresh: () => this.countQueues(),
      leaveOut: () => this.leaveOutQueues(),
    });
    sources.add({
      name: 'backlog',
      maxAgeMs: 5_000,
      refresh: () => this.countBacklog(),
      leaveOut: () => this.leaveOutBacklog(),
    });
    sources.add({
      name: 'budgets',
      maxAgeMs: 30_000,
      refresh: () => this.countBudgets(),
      leaveOut: () => metrics.budgetUsd.reset(),
    });
  }

  private async countQueues(): Promise<void> {
    const counts = await queueCounts(this.queue);
    // A queue that vanished must not keep its last value.
    this.leaveOutQueues();
    const oldest = new Map<string, number>();
    for (const { queue, key, state, count, oldestMs } of counts) {
      const model = key === undefined ? '' : this.metrics.modelLabel(key);
      this.metrics.queueJobs.inc({ queue, state, model }, count);
      if (state !== 'waiting') continue;
      // Unknown models share the label `other`; the oldest of their messages counts.
      const seconds = Math.max(oldest.get(`${queue} ${model}`) ?? 0, (oldestMs ?? 0) / 1_000);
      oldest.set(`${queue} ${model}`, seconds);
      this.metrics.queueOldest.set({ queue, model }, seconds);
    }
  }

  private leaveOutQueues(): void {
    this.metrics.queueJobs.reset();
    this.metrics.queueOldest.reset();
  }

  private async countBacklog(): Promise<void> {
    const { queued, oldestMs, tenants, longest, inFlight } = await readBacklogSums(this.db);
    for (const priority of PRIORITIES)
      this.metrics.backlogTasks.set({ priority }, queued[priorityRank(priority)] ?? 0);
    this.metrics.backlogOldest.set(oldestMs / 1_000);
    this.metrics.backlogTenants.set(tenants);
    this.metrics.backlogLongest.set(longest);
    this.metrics.loopTasks.set(inFlight);
  }

  private leaveOutBacklog(): void {
    const { backlogTasks, backlogOldest, backlogTenants, backlogLongest, loopTasks } = this.metrics;
    backlogTasks.reset();
    // Without labels, `reset` would say 0.
    for (const gauge of [backlogOldest, backlogTenants, backlogLongest, loopTasks]) gauge.remove();
  }

  private async countBudgets(): Promise<void> {
    for (const { scope, limitUsd, spentUsd, heldUsd } of await sumBudgets(this.db)) {
      this.metrics.budgetUsd.set({ scope, part: 'limit' }, limitUsd);
      this.metrics.budgetUsd.set({ scope, part: 'spent' }, spentUsd);
      this.metrics.budgetUsd.set({ scope, part: 'held' }, heldUsd);
    }
  }
}
