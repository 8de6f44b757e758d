import type { ScrapeHook } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { expect, test } from '@jest/globals';
import { QueueGauges } from './queue-gauges';
import { ReportGauges } from './report-gauges';
import { ScrapeSources } from './scrape-sources.service';
import { SignalGauges } from './signal-gauges';

/** Answers nothing that it is asked: every property throws. */
const away = new Proxy({}, { get: () => fail() }) as never;
function fail(): never {
  throw new Error('away');
}

/** What the gauges of the gateway wrote before Redis and Postgres went away. */
function setAll(metrics: Metrics): void {
  metrics.queueJobs.set({ queue: 'verify', state: 'waiting', model: '' }, 1);
  metrics.queueOldest.set({ queue: 'verify', model: '' }, 1);
  metrics.backlogTasks.set({ priority: 'high' }, 1);
  for (const name of ['backlogOldest', 'backlogTenants', 'backlogLongest', 'loopTasks'] as const)
    metrics[name].set(1);
  metrics.budgetUsd.set({ scope: 'run', part: 'spent' }, 1);
  for (const name of ['savingsUsd', 'regretEstimate'] as const) metrics[name].set(1);
  for (const name of ['savingsBound', 'regretBound'] as const) metrics[name].set({ bound: 'low' }, 1);
  for (const name of ['signalPairs', 'signalBias', 'signalReliability', 'signalWeight'] as const)
    metrics[name].set({ signal: 'judge' }, 1);
}

test('what cannot be read is left out, and never stands there as 0 or as it was', async () => {
  const metrics = new Metrics('test');
  const hooks: ScrapeHook[] = [];
  const sources = new ScrapeSources(metrics, hooks);
  new QueueGauges(away, away, metrics, sources);
  new ReportGauges(away, metrics, sources);
  new SignalGauges(away, away, metrics, sources);
  setAll(metrics);
  await Promise.all(hooks.map((hook) => hook()));
  const lines = (await metrics.registry.metrics()).split('\n');
  const ofReads = /^acrouter_(queue_(jobs|oldest)|backlog_|loop_|budget_|savings_|regret_|signal_)\w*\{/;
  // Refusals are counted, not read.
  expect(lines.filter((l) => ofReads.test(l) && !l.startsWith('acrouter_backlog_refusals'))).toEqual([]);
  const failed = lines.flatMap(
    (l) => /^acrouter_scrape_failures_total.*source="(\w+)".* 1$/.exec(l)?.[1] ?? [],
  );
  expect(failed.sort()).toEqual(['backlog', 'budgets', 'queues', 'report', 'signals']);
});
