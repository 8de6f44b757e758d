import type { Env } from '@acrouter/config/env';
import type { ModelsFile } from '@acrouter/config/models-file';
import { endUntaken } from '@acrouter/db/attempt-store';
import type { Database, Executor } from '@acrouter/db/client';
import { releaseUnsent } from '@acrouter/db/ledger-group-store';
import { enqueue, marksOf, type OutgoingMessage, type TaskMarks } from '@acrouter/db/outbox-store';
import { takeStuckTasks, type StuckTask } from '@acrouter/db/task-store';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { DATABASE, ENV, LOGGER, MODELS } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';

const BATCH = 500;

/**
 * Publishes unfinished work again that nothing seems to be working on: after a loss of the queue, Postgres
 * alone says what is to be done (must 2). Every message is idempotent, so publishing one too many is harmless.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Env,
    @Inject(MODELS) private readonly pool: Pick<ModelsFile, 'models'>,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly relay: OutboxRelay,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.sweep().catch((error: unknown) =>
        this.log.warn({ err: error }, 'sweep failed; will retry'),
      );
    }, this.env.ACR_SWEEP_IDLE_MS / 4);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  /** One round; returns when its messages are in the queue or safe in the outbox. */
  async sweep(): Promise<void> {
    const { stuck, outbox } = await this.db.transaction().execute(async (trx) => {
      const found = await takeStuckTasks(trx, this.env.ACR_SWEEP_IDLE_MS, BATCH);
      for (const task of found) await this.endOrphan(trx, task);
      return { stuck: found, outbox: await enqueue(trx, found.map(messageFor)) };
    });
    if (stuck.length === 0) return;
    for (const task of stuck) this.metrics.swept.inc({ phase: task.phase });
    this.log.info({ tasks: stuck.length }, 'unfinished tasks published again');
    await this.relay.publish(outbox);
  }

  /** An attempt whose model has left the pool has no executor any more: it ends as an outage of that model. */
  private async endOrphan(trx: Executor, task: StuckTask): Promise<void> {
    const { id, attempt, model } = task;
    if (task.attemptStatus !== 'executing' || attempt === null || model === null) return;
    if (this.pool.models.some((m) => m.id === model)) return;
    const message = `${model} is no longer in the pool`;
    await endUntaken(trx, id, attempt, { code: 'ACR_UNKNOWN_MODEL', message });
    await releaseUnsent(trx, [id]);
    task.attemptStatus = 'outage';
  }
}

/** The message that a task waits for, from the facts. */
export function messageFor(task: StuckTask): OutgoingMessage {
  return { ...waitedFor(task), ...marksOf(task) };
}

/** A message without what the task knows of all its messages. */
type Unmarked = Omit<OutgoingMessage, keyof TaskMarks>;

function waitedFor(task: StuckTask): Unmarked {
  const { id: taskId, attempt, model } = task;
  if (task.cancelRequested) return { queue: 'decide', message: { kind: 'cancel', taskId } };
  if (task.phase === 'waiting')
    return { queue: 'decide', message: { kind: 'wake', taskId, turn: task.turn } };
  if (task.phase === 'attempting' && attempt !== null && model !== null)
    return attemptMessage(task.attemptStatus, taskId, attempt, model);
  return task.hasContext
    ? { queue: 'decide', message: { kind: 'context-ready', taskId } }
    : { queue: 'context', message: { taskId } };
}

function attemptMessage(status: string | null, taskId: string, attempt: number, model: string): Unmarked {
  if (status === 'executing') return { queue: 'execute', key: model, message: { taskId, attempt, model } };
  if (status === 'answered') return { queue: 'verify', message: { taskId, attempt } };
  if (status === 'verified') return { queue: 'feedback', message: { taskId, attempt } };
  return { queue: 'decide', message: { kind: 'attempt-finished', taskId, attempt } };
}
