import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds, from a millisecond (a queue hop) to ten minutes (a slow model). */
const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];
/** A decision is arithmetic: 10 µs to 100 ms. */
const DECISION_SECONDS = [0.00001, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1];

/**
 * The metrics of ../docs/operations and interfaces conventions: base units, `_total` counters, bounded labels.
 * One instance per process; services touch only what they own.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly tasks = this.counter('acrouter_tasks_total', 'Tasks settled, by outcome.', ['outcome']);
  readonly stageDuration = this.histogram(
    'acrouter_stage_duration_seconds',
    'Work of one stage on one task.',
    ['stage'],
    SECONDS,
  );
  readonly queueWait = this.histogram(
    'acrouter_queue_wait_seconds',
    'From publishing a message to handling it.',
    ['queue'],
    SECONDS,
  );
  /** `model` is empty for queues that are not per model; `dead-letters` is a queue too. Set by the gateway. */
  readonly queueJobs = this.gauge('acrouter_queue_jobs', 'Messages in a queue, by state.', [
    'queue',
    'state',
    'model',
  ]);
  readonly queueOldest = this.gauge(
    'acrouter_queue_oldest_seconds',
    'Age of the oldest waiting message; 0 when none waits.',
    ['queue', 'model'],
  );
  readonly admissions = this.counter('acrouter_admissions_total', 'Queued tasks let into the loop.', [
    'priority',
    'expedited',
  ]);
  readonly admissionWait = this.histogram(
    'acrouter_admission_wait_seconds',
    'From the acceptance of a task to its entry into the loop.',
    ['priority'],
    [...SECONDS, 1_800, 3_600, 14_400, 86_400],
  );
  /** Gauges of the queue in Postgres are set by the gateway, over all tenants. */
  readonly backlogTasks = this.gauge('acrouter_backlog_tasks', 'Queued tasks, not in the loop yet.', [
    'priority',
  ]);
  readonly backlogOldest = this.gauge(
    'acrouter_backlog_oldest_seconds',
    'Age of the oldest queued task; 0 when none is queued.',
    [],
  );
  readonly backlogTenants = this.gauge('acrouter_backlog_tenants', 'Tenants with queued tasks.', []);
  readonly backlogLongest = this.gauge(
    'acrouter_backlog_longest_tasks',
    'Queued tasks of the tenant that has most.',
    [],
  );
  readonly loopTasks = this.gauge('acrouter_loop_tasks', 'Tasks in the loop; the window is their limit.', []);
  readonly window = this.gauge('acrouter_window_tasks', 'Most tasks in the loop at once (ACR_WINDOW).', []);
  readonly backlogRefusals = this.counter(
    'acrouter_backlog_refusals_total',
    'Submissions answered with 429 because a queue was full.',
    ['scope'],
  );
  readonly retentionRows = this.counter('acrouter_retention_rows_total', 'Old rows erased or deleted.', [
    'kind',
  ]);
  readonly deliveries = this.counter('acrouter_deliveries_total', 'Messages handled, by result.', [
    'queue',
    'result',
  ]);
  readonly decisionDuration = this.histogram(
    'acrouter_decision_duration_seconds',
    'The policy alone, without reading its input.',
    [],
    DECISION_SECONDS,
  );
  readonly decisions = this.counter('acrouter_decisions_total', 'Attempts decided.', [
    'model',
    'dimension',
    'explored',
  ]);
  readonly verificationScore = this.histogram(
    'acrouter_verification_score',
    'Scores of verified attempts.',
    [],
    [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1],
  );
  /** `refused`: the check could not run (no sandbox, or it failed); `inconclusive`: it told nothing. */
  readonly checks = this.counter('acrouter_checks_total', 'Answers checked, by result.', ['result']);
  readonly sandboxReady = this.gauge(
    'acrouter_sandbox_ready',
    'Whether this verifier has a sandbox (1) or refuses to execute (0).',
    ['kind'],
  );
  readonly judgedAttempts = this.counter(
    'acrouter_judged_attempts_total',
    'Attempts learnt from, by whether the answer was right.',
    ['model', 'dimension', 'solved'],
  );
  readonly escalations = this.counter(
    'acrouter_escalations_total',
    'Further attempts after a failed check.',
    [],
  );
  readonly costUsd = this.counter('acrouter_cost_usd_total', 'Known cost of calls in USD.', [
    'model',
    'component',
  ]);
  readonly unknownCalls = this.counter(
    'acrouter_cost_unknown_calls_total',
    'Calls whose usage was never reported.',
    ['model'],
  );
  readonly scrapeFailures = this.counter(
    'acrouter_scrape_failures_total',
    'Answers of /metrics that left out the figures of a source, because it failed or was too slow.',
    ['source'],
  );
  readonly calls = this.counter('acrouter_calls_total', 'Calls to providers, by result.', [
    'model',
    'result',
  ]);
  readonly regretEstimate = this.gauge(
    'acrouter_regret_estimate',
    'Estimated regret per task against the best model of its dimension.',
    [],
  );
  readonly regretBound = this.gauge(
    'acrouter_regret_bound',
    'Ends of the 95 % interval of the regret per task.',
    ['bound'],
  );
  readonly savingsUsd = this.gauge(
    'acrouter_savings_usd_total',
    'Estimated saving against the strongest model for everything, USD.',
    [],
  );
  readonly savingsBound = this.gauge(
    'acrouter_savings_bound_usd',
    'Ends of the 95 % interval of the saving, USD.',
    ['bound'],
  );
  readonly signalPairs = this.gauge(
    'acrouter_signal_pairs',
    'Answers on which the signal was compared with given tests: those that its trust rests on.',
    ['signal'],
  );
  readonly signalBias = this.gauge(
    'acrouter_signal_bias',
    'Mean of what the signal said less the share that was right; positive = too kind.',
    ['signal'],
  );
  readonly signalReliability = this.gauge(
    'acrouter_signal_reliability',
    'How far the signal tells right from wrong answers, 0 to 1; as believed while there are no pairs.',
    ['signal'],
  );
  readonly signalWeight = this.gauge(
    'acrouter_signal_weight_factor',
    'Part of its configured weight that the signal keeps, 0 to 1.',
    ['signal'],
  );
  readonly budgetUsd = this.gauge(
    'acrouter_budget_usd',
    'Sums over all budgets, by what they limit: limit, spent, held (reserved or unknown), USD.',
    ['scope', 'part'],
  );
  readonly sandboxKills = this.counter(
    'acrouter_sandbox_kills_total',
    'Runs that met a limit of the sandbox, by limit.',
    ['reason'],
  );
  readonly deadLetters = this.counter('acrouter_dead_letters_total', 'Messages given up.', ['queue']);
  readonly swept = this.counter(
    'acrouter_swept_tasks_total',
    'Unfinished tasks published again by the sweeper.',
    ['phase'],
  );
  readonly outboxRelayed = this.counter(
    'acrouter_outbox_forgotten_total',
    'Messages published late because their process died.',
    [],
  );

  /** Labels that may appear as `model`; any other value becomes `other`, so that labels stay bounded. */
  private readonly models = new Set<string>();

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
  }

  /** Makes the ids of the pool known as label values. */
  allowModels(ids: Iterable<string>): void {
    for (const id of ids) this.models.add(id);
  }

  /** Label values made known so far. */
  get knownModels(): readonly string[] {
    return [...this.models];
  }

  modelLabel(id: string): string {
    return this.models.has(id) ? id : 'other';
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  private histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets, registers: [this.registry] });
  }
}
