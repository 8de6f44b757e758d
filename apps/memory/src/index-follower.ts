import type { Env } from '@acrouter/config/env';
import type { Database } from '@acrouter/db/client';
import {
  adoptRestoredExperiences,
  followExperiences,
  trimExperiences,
  type ExperienceCursor,
} from '@acrouter/db/experience-store';
import { DATABASE, ENV, LOGGER } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { MemoryIndex, type Added } from './memory-index';

const FOLLOW_MS = 250;
const TRIM_MS = 60_000;
/** 2,000 rows of 384 dimensions are 3 MB. */
const BATCH = 2_000;

/** Keeps this replica's index up to date, and the table within its bound. */
@Injectable()
export class IndexFollower implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private cursor: ExperienceCursor | null = null;
  private filling: Promise<void> | null = null;
  private following: Promise<void> = Promise.resolve();
  private trimming: Promise<void> = Promise.resolve();
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'ACR_MEMORY_CAPACITY'>,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly index: MemoryIndex,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.filled();
    this.every(FOLLOW_MS, () => {
      this.following = this.attempt(this.following, 'follow experiences', () => this.follow());
    });
    this.every(TRIM_MS, () => {
      const capacity = this.env.ACR_MEMORY_CAPACITY;
      this.trimming = this.attempt(this.trimming, 'trim experiences', () =>
        trimExperiences(this.db, capacity),
      );
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    await Promise.all([this.following, this.trimming]);
  }

  /** Resolves when all that was known at the start is in the index; a recall before that would find too little. */
  filled(): Promise<void> {
    this.filling ??= this.fill().catch((error: unknown) => {
      this.filling = null;
      throw error;
    });
    return this.filling;
  }

  private async fill(): Promise<void> {
    const startedMs = performance.now();
    await adoptRestoredExperiences(this.db);
    const counts = await this.follow();
    this.log.info({ ...counts, tookMs: Math.round(performance.now() - startedMs) }, 'memory index filled');
    if (counts['other-embedder'] > 0)
      this.log.warn(
        { experiences: counts['other-embedder'] },
        'experiences of another embedder are not recalled; see "Changing the embedder" in docs/memory.md',
      );
  }

  private async follow(): Promise<Record<Added, number>> {
    const counts = { added: 0, 'other-embedder': 0, broken: 0 };
    for (;;) {
      const { rows, cursor } = await followExperiences(this.db, this.cursor, BATCH);
      for (const row of rows) counts[this.index.add(row)] += 1;
      this.cursor = cursor;
      if (rows.length < BATCH) return counts;
    }
  }

  private every(ms: number, work: () => void): void {
    this.timers.push(setInterval(work, ms));
  }

  /** Does `work` after `previous`; a failure is told and tried again next time. */
  private attempt(previous: Promise<void>, what: string, work: () => Promise<unknown>): Promise<void> {
    return previous.then(work).then(
      () => undefined,
      (error: unknown) => this.log.warn({ err: error }, `cannot ${what}; will retry`),
    );
  }
}
