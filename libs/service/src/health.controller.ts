import type { Database } from '@acrouter/db/client';
import type { QueueConnection } from '@acrouter/queue/connection';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Controller, Get, Header, HttpException, Inject } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDatabase } from './service-context';
import type { Readiness } from './readiness';
import { DATABASE, QUEUE, READINESS, SCRAPE_HOOKS, type ScrapeHook } from './tokens';

/** A dependency that has not answered by then counts as away, ms. */
const CHECK_PATIENCE_MS = 3_000;

/** `/healthz`: the process lives. `/readyz`: it takes work and reaches Postgres and the queue. `/metrics`: Prometheus. */
@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly readiness: Readiness,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(QUEUE) private readonly queue: QueueConnection,
    private readonly metrics: Metrics,
    @Inject(SCRAPE_HOOKS) private readonly hooks: ScrapeHook[],
  ) {}

  @Get('healthz')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(): Promise<Record<string, string>> {
    const [postgres, queue] = await Promise.all([
      verdict(checkDatabase(this.db)),
      verdict(this.queue.ping()),
    ]);
    const answer = { status: this.readiness.current, postgres, queue };
    if (answer.status !== 'ready' || postgres !== 'ok' || queue !== 'ok')
      throw new HttpException(answer, 503);
    return answer;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    await Promise.allSettled(this.hooks.map((hook) => hook()));
    return this.metrics.registry.metrics();
  }
}

async function verdict(check: Promise<unknown>): Promise<string> {
  const late = sleep(CHECK_PATIENCE_MS, 'no answer', { ref: false });
  return Promise.race([
    check.then(
      () => 'ok',
      (error: Error) => error.message,
    ),
    late,
  ]);
}
