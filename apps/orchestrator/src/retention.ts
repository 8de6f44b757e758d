import type { Env } from '@acrouter/config/env';
import type { Database } from '@acrouter/db/client';
import { takeDue } from '@acrouter/db/retention-store';
import { DATABASE, ENV, LOGGER } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';

const HOUR_MS = 3_600_000;
/** Not while everything starts, ms. */
const FIRST_MS = 60_000;

/** Takes old rows, every hour; one orchestrator at a time. */
@Injectable()
export class Retention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Env,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setTimeout(() => this.start(), FIRST_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.stopping.abort();
    await this.running;
  }

  private start(): void {
    this.running = this.run().catch((error: unknown) =>
      this.log.warn({ err: error }, 'retention failed; will retry in an hour'),
    );
    this.timer = setTimeout(() => this.start(), HOUR_MS);
  }

  /** Takes what is due now. */
  async run(): Promise<void> {
    const policy = {
      textDays: this.env.ACR_RETENTION_TEXT_DAYS,
      taskDays: this.env.ACR_RETENTION_TASK_DAYS,
      eventDays: this.env.ACR_RETENTION_EVENT_DAYS,
    };
    const taken = await takeDue(this.db, policy, this.stopping.signal);
    if (!taken) return;
    for (const [kind, rows] of Object.entries(taken)) this.metrics.retentionRows.inc({ kind }, rows);
    if (Object.values(taken).some((rows) => rows > 0)) this.log.info(taken, 'old rows taken');
  }
}
