import type { Env } from '@acrouter/config/env';
import { QUEUED_CHANNEL } from '@acrouter/db/admission-store';
import { Notifications } from '@acrouter/queue/notifications';
import { ENV, LOGGER } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdmissionService } from './admission.service';

/** A notification may get lost with its connection; nobody waits longer than that for it, ms. */
const POLL_MS = 1_000;
/**
 * Places that get free within this time are filled in one round, ms: 50, and more where a round takes long (a large
 * window), so that rounds take a tenth of the time at most.
 */
const GATHER = { leastMs: 50, timesRound: 10, mostMs: 250 };

/** When rounds of admission are done: when tasks were queued, when places got free, and now and then. */
@Injectable()
export class AdmissionRounds implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly notifications: Notifications;
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;
  private again = false;
  /** Whether the last round left tasks behind; without, a place that gets free is no news. */
  private leftBehind = true;

  constructor(
    @Inject(ENV) env: Env,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly admission: AdmissionService,
  ) {
    this.notifications = new Notifications(QUEUED_CHANNEL, {
      databaseUrl: env.ACR_DATABASE_URL,
      applicationName: 'acr-queued-listen',
      onError: (error) => log.warn({ err: error }, 'connection lost; will be reopened'),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.notifications.on(() => this.wake());
    this.timer = setInterval(() => this.wake(), POLL_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.stopping.abort();
    await this.notifications.close();
    await this.running;
  }

  /** A task has left the loop, perhaps. */
  placeFreed(): void {
    if (this.leftBehind) this.wake();
  }

  /** Starts a round, or another one after that which runs. */
  private wake(): void {
    this.again = true;
    this.running ??= this.rounds().finally(() => {
      this.running = null;
      // Woken in the very moment in which the last round ended.
      if (this.again && !this.stopping.signal.aborted) this.wake();
    });
  }

  private async rounds(): Promise<void> {
    while (this.again && !this.stopping.signal.aborted) {
      this.again = false;
      const startedMs = performance.now();
      try {
        const left = await this.admission.round();
        this.leftBehind = left !== 'nothing';
        this.again ||= left === 'more';
      } catch (error) {
        this.log.warn({ err: error }, 'admission failed; will retry');
      }
      const gatherMs = gatherFor(performance.now() - startedMs);
      await sleep(gatherMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}

function gatherFor(roundMs: number): number {
  return Math.min(GATHER.mostMs, Math.max(GATHER.leastMs, GATHER.timesRound * roundMs));
}
