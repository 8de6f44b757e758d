import { AcrError } from '@acrouter/domain/errors';
import { PostgresConnection, PostgresQueueBackend, Queue, Worker, runMigrations } from 'bullmq';
import type { PgQueryable, Processor, QueueBaseOptions } from 'bullmq';
import type { QueueConnection, WorkerTuning } from './connection';

/** Postgres schema that holds BullMQ's tables. */
const SCHEMA = 'acr_queue';

/**
 * One pool and one LISTEN client for all queues and workers of the process; BullMQ's own factory would open
 * both for every queue. Migrations ran when it was opened, so it is ready at once.
 */
class SharedConnection extends PostgresConnection {
  private readonly prepared = new WeakSet<object>();

  override waitUntilReady(): Promise<void> {
    return Promise.resolve();
  }

  override async getListenClient() {
    const client = await super.getListenClient();
    if (!this.prepared.has(client)) {
      this.prepared.add(client);
      // Every idle worker listens on it, and pg wants one query after the other.
      (client as unknown as { setMaxListeners(n: number): void }).setMaxListeners(0);
      inTurn(client);
    }
    return client;
  }
}

/** Makes concurrent `query` calls of one client wait for each other. */
function inTurn(client: PgQueryable): void {
  const query = client.query.bind(client);
  let last: Promise<unknown> = Promise.resolve();
  client.query = ((text: string, values?: unknown[]) => {
    const result = last.then(() => query(text, values));
    last = result.catch(() => undefined);
    return result;
  }) as typeof client.query;
}

/** A queue's view of the shared connection: closing it ends its own wait and leaves the connection open. */
class SharedBackend extends PostgresQueueBackend {
  constructor(connection: SharedConnection, name: string, opts: QueueBaseOptions<never>) {
    super(connection, name, opts, true);
  }

  override waitUntilReady(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.closing ??= this.disconnectBlocking();
    return this.closing;
  }

  override disconnect(): Promise<void> {
    return this.disconnectBlocking();
  }
}

/** Queues on Postgres, in the schema `acr_queue`. */
export class PostgresQueueConnection implements QueueConnection {
  readonly kind = 'postgres';
  private readonly queues = new Map<string, Queue>();
  private closing?: Promise<void>;

  private constructor(
    private readonly shared: SharedConnection,
    private readonly onError: (error: Error) => void,
  ) {}

  static async open(
    url: string,
    poolSize: number,
    onError: (error: Error) => void,
  ): Promise<PostgresQueueConnection> {
    const shared = new SharedConnection({
      connectionString: url,
      schema: SCHEMA,
      max: poolSize,
      application_name: 'acr-queue',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      // A power cut may lose the last moments of the queue; the tables are the truth and the sweeper re-publishes.
      options: '-c synchronous_commit=off',
    });
    shared.setMaxListeners(0);
    shared.on('error', onError);
    try {
      const client = await shared.pool.connect();
      try {
        await runMigrations(client as PgQueryable, SCHEMA);
        await silenceEvents(client as PgQueryable);
      } finally {
        client.release();
      }
    } catch (cause) {
      await shared.close();
      throw unavailable(cause);
    }
    return new PostgresQueueConnection(shared, onError);
  }

  private readonly factory = (name: string, opts: QueueBaseOptions<never>) =>
    new SharedBackend(this.shared, name, opts);

  queue(name: string): Queue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new Queue(
        name,
        { connection: undefined as never, streams: { events: { maxLen: 100 } } },
        this.factory,
      ) as unknown as Queue;
      queue.on('error', this.onError);
      this.queues.set(name, queue);
    }
    return queue;
  }

  worker(name: string, processor: Processor, tuning: WorkerTuning): Worker {
    // BullMQ insists on a connection option, which our factory has no use for.
    return new Worker(
      name,
      processor,
      { ...tuning, connection: {} as never },
      this.factory,
    ) as unknown as Worker;
  }

  async names(): Promise<string[]> {
    const { rows } = await this.shared.pool.query<{ queue: string }>(
      'SELECT queue FROM meta UNION SELECT queue FROM job ORDER BY queue',
    );
    return rows.map((row) => row.queue);
  }

  async ping(): Promise<void> {
    try {
      await this.shared.pool.query('SELECT 1');
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(this.onError)));
      await this.shared.close();
    })();
    return this.closing;
  }
}

/**
 * BullMQ writes a row and a notification per job event for QueueEvents, which nobody here uses: without them the
 * queue does a fifth to a half more tasks per second and its event table stays small (docs/queues.md).
 * A BullMQ migration that brings the function back is answered at the next start.
 */
async function silenceEvents(client: PgQueryable): Promise<void> {
  const silent = 'SELECT 0::bigint';
  await client.query('BEGIN');
  try {
    // Replacing a function in two sessions at once fails with "tuple concurrently updated".
    await client.query('SELECT pg_advisory_xact_lock(7202622903)');
    const { rows } = await client.query<{ prosrc: string }>(
      `SELECT prosrc FROM pg_proc WHERE proname = 'publish_event' AND pronamespace = '${SCHEMA}'::regnamespace`,
    );
    if (rows.length === 1 && rows[0]?.prosrc !== silent)
      await client.query(
        `CREATE OR REPLACE FUNCTION ${SCHEMA}.publish_event(p_queue text, p_event text, p_data jsonb)
         RETURNS bigint LANGUAGE sql AS '${silent}'`,
      );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

const unavailable = (cause: unknown) =>
  new AcrError(
    'ACR_QUEUE_UNAVAILABLE',
    'The Postgres of the queue does not answer. Check that it runs and that ACR_QUEUE_URL names its host, port and password.',
    { cause },
  );
