import { QUEUES, QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import type { QueueDefinition, QueueName } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import { Server } from '@nestjs/microservices';
import type { CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import type { Worker } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Cancellations } from './cancellations';
import type { QueueConnection, WorkerTuning } from './connection';
import { DeadLetters } from './dead-letters';
import { Deliveries } from './delivery';
import { BULLMQ_TRANSPORT } from './handles';
import type { JobContext } from './handles';
import type { QueueObserver } from './observer';
import { physicalName } from './queue-key';
import { spanBytes, type RandomBytes } from './trace';

/**
 * A killed worker's messages are free again after its lock ends (15 s), seen by the next check (5 s).
 * The lock is renewed every 7.5 s, so a worker must be frozen that long to lose it.
 */
const LOCK_MS = 15_000;
const STALLED_CHECK_MS = 5_000;
/** Wait after a connection error before asking for work again; BullMQ's 15 s would leave a restart idle. */
const RECONNECT_MS = 500;

/** One key of a keyed queue that this process works on. */
export interface KeyedWorker {
  key: string;
  /** Handlers at once in this process. Default: the catalogue's. */
  concurrency?: number;
  /** At most `max` deliveries per `durationMs` over all processes. */
  limiter?: { max: number; durationMs: number };
}

export interface BullmqServerOptions {
  /** Which consumer of the catalogue this process is. */
  service: QueueDefinition['consumer'];
  /** Stays open after `close`; its opener closes it. */
  connection: QueueConnection;
  /** Keys per keyed queue; must be given for each keyed queue of the service. */
  keys?: Partial<Record<QueueName, readonly KeyedWorker[]>>;
  /** Handlers at once per queue of this process. Default: the catalogue's. */
  concurrency?: Partial<Record<QueueName, number>>;
  /** Longest a handler may take, ms. Default: the catalogue's. */
  timeoutMs?: Partial<Record<QueueName, number>>;
  /** Without it, handlers are not told when their task is cancelled. */
  cancellations?: Cancellations;
  observer?: QueueObserver;
  /** Time running handlers get at `close` before their signals abort, ms. Default 10,000. */
  shutdownGraceMs?: number;
  /** Between 0 (inclusive) and 1, for the jitter of retries. Default: Math.random. */
  random?: () => number;
  /** For span ids. Default: node's. */
  randomBytes?: RandomBytes;
  /** Unix time in ms. Default: the clock. */
  now?: () => number;
}

/** One BullMQ worker and the deliveries it makes. */
interface Lane {
  worker: Worker;
  deliveries: Deliveries;
}

/**
 * Receives messages for a Nest app: `app.connectMicroservice({ strategy: new BullmqServer(…) })`.
 * At least once: a handler may run twice, or again after it was killed halfway.
 */
export class BullmqServer extends Server implements CustomTransportStrategy {
  override readonly transportId = BULLMQ_TRANSPORT;
  private readonly registered: string[] = [];
  private readonly lanes: Lane[] = [];
  private stopListening?: () => void;
  private closing?: Promise<void>;

  constructor(private readonly options: BullmqServerOptions) {
    super();
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler?: boolean,
    extras?: Record<string, unknown>,
  ): void {
    this.registered.push(String(pattern));
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  /** Called by Nest. Checks the handlers, then starts one worker per queue and key. */
  listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
  }

  /** The workers. */
  override unwrap<T>(): T {
    return this.lanes.map((lane) => lane.worker) as T;
  }

  override on(): never {
    throw new Error('BullmqServer has no events; give it an observer');
  }

  /**
   * Stops fetching, waits for running handlers up to `graceMs`, then aborts their signals and hands back what
   * does not end within 2 s, so that another worker gets it at once. Idempotent; ends within about
   * `graceMs` + 10 s whatever the queue does.
   */
  close(options: { graceMs?: number } = {}): Promise<void> {
    const graceMs = options.graceMs ?? this.options.shutdownGraceMs ?? 10_000;
    this.closing ??= this.shutDown(graceMs);
    return this.closing;
  }

  private async start(): Promise<void> {
    this.checkHandlers();
    await this.options.connection.ping();
    for (const queue of this.ownQueues()) {
      if (QUEUES[queue].keyed)
        for (const worker of this.options.keys?.[queue] ?? []) this.open(queue, worker);
      else this.open(queue, { key: '', concurrency: this.options.concurrency?.[queue] });
    }
    await Promise.all(this.lanes.map((lane) => lane.worker.waitUntilReady()));
    this.stopListening = await this.options.cancellations?.onCancel((taskId) => {
      for (const lane of this.lanes) lane.deliveries.cancel(taskId);
    });
  }

  private ownQueues(): QueueName[] {
    return QUEUE_NAMES.filter((name) => QUEUES[name].consumer === this.options.service);
  }

  private checkHandlers(): void {
    const own = this.ownQueues();
    const problems: string[] = [];
    for (const name of own) {
      const count = this.registered.filter((pattern) => pattern === name).length;
      if (count !== 1)
        problems.push(`queue "${name}" has ${count === 0 ? 'no handler' : `${count} handlers`}`);
      if (QUEUES[name].keyed && !this.options.keys?.[name])
        problems.push(`queue "${name}" is keyed and options.keys.${name} is missing`);
    }
    for (const pattern of new Set(this.registered)) {
      const known = QUEUE_NAMES.find((name) => name === pattern);
      if (!known) problems.push(`a handler wants "${pattern}", which is no queue of the catalogue`);
      else if (!own.includes(known))
        problems.push(`a handler wants "${pattern}", which belongs to the ${QUEUES[known].consumer}`);
    }
    if (problems.length > 0)
      throw new AcrError(
        'ACR_NO_HANDLER',
        `The ${this.options.service} cannot start: ${problems.join('; ')}. Every queue needs exactly one @Handles(…) in its own service.`,
      );
  }

  private open(queue: QueueName, { key, concurrency, limiter }: KeyedWorker): void {
    const laneKey = QUEUES[queue].keyed ? key : undefined;
    const observer = this.options.observer ?? {};
    const deliveries = new Deliveries({
      queue,
      key: laneKey,
      invoke: (payload, context) => this.invoke(payload, context),
      deadLetters: new DeadLetters(this.options.connection),
      observer: { ...observer, onError: (error, where) => this.onError(error, where) },
      timeoutMs: this.options.timeoutMs?.[queue] ?? QUEUES[queue].timeoutMs,
      random: this.options.randomBytes ?? spanBytes,
      now: this.options.now ?? Date.now,
    });
    const tuning: WorkerTuning = {
      concurrency: concurrency ?? QUEUES[queue].concurrency,
      limiter: limiter && { max: limiter.max, duration: limiter.durationMs },
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      // Deliveries counts the deaths itself and keeps a dead letter, which BullMQ would not.
      maxStalledCount: 1_000_000,
      runRetryDelay: RECONNECT_MS,
      settings: { backoffStrategy: (failures) => this.backoffMs(queue, failures) },
    };
    const worker = this.options.connection.worker(
      physicalName(queue, laneKey),
      (job, token) => deliveries.process(job, token ?? ''),
      tuning,
    );
    worker.on('error', (error) => this.onError(error, { queue, key: laneKey }));
    this.lanes.push({ worker, deliveries });
  }

  private async invoke(payload: unknown, context: JobContext): Promise<void> {
    // Not `getHandlerByPattern`: it tries to read every pattern as JSON, and a failure costs a stack trace.
    const handler = this.messageHandlers.get(context.queue);
    if (!handler) throw new AcrError('ACR_NO_HANDLER', `Queue "${context.queue}" lost its handler`);
    const result: unknown = await handler(payload, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  /** Full jitter: uniform in [0, min(maxMs, baseMs · 2^(failures − 1))). Source: AWS, "Exponential Backoff And Jitter". */
  private backoffMs(queue: QueueName, failures: number): number {
    const { baseMs, maxMs } = QUEUES[queue].backoff;
    const random = this.options.random ?? Math.random;
    return Math.floor(random() * Math.min(maxMs, baseMs * 2 ** (failures - 1)));
  }

  private onError(error: Error, where: { queue: QueueName; key: string | undefined }): void {
    if (this.options.observer?.onError) this.options.observer.onError(error, where);
    else this.logger.warn(`Queue ${where.queue}${where.key ? ` (${where.key})` : ''}: ${error.message}`);
  }

  private async shutDown(graceMs: number): Promise<void> {
    this.stopListening?.();
    const closed = Promise.all(this.lanes.map(({ worker }) => worker.close()));
    if (await endsWithin(closed, graceMs)) return;
    for (const { deliveries } of this.lanes) deliveries.stop();
    if (await endsWithin(closed, 8_000)) return;
    // The queue itself does not answer; cut the connections, the locks will expire.
    await endsWithin(Promise.all(this.lanes.map(({ worker }) => worker.disconnect())), 2_000);
  }
}

async function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const ended = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false),
  ]);
  timer.abort();
  return ended;
}
