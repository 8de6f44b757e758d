import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';

const CHANNEL = 'acr_cancel';
const RECONNECT_MS = 500;

export interface CancellationsOptions {
  /** The product's Postgres; the same on both queue back ends, since Postgres is always there. */
  databaseUrl: string;
  /** Told of lost connections; they are mended. Default: nobody. */
  onError?: (error: Error) => void;
}

/**
 * Tells every process that a task is cancelled, so that its running handler stops (their signal aborts).
 * A broadcast by LISTEN/NOTIFY: best effort. The state in Postgres says the same for good, and a handler that
 * missed the call finds it there.
 */
export class Cancellations {
  private readonly listeners = new Set<(taskId: string) => void>();
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: CancellationsOptions) {}

  /** Broadcasts; returns when Postgres took it. */
  async cancelTask(taskId: string): Promise<void> {
    const client = new Client({ connectionString: this.options.databaseUrl, application_name: 'acr-cancel' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query('SELECT pg_notify($1, $2)', [CHANNEL, taskId]);
    } finally {
      await client.end();
    }
  }

  /** Calls `listener` for every cancelled task from now on. Resolves when listening. Returns how to stop. */
  async onCancel(listener: (taskId: string) => void): Promise<() => void> {
    this.listeners.add(listener);
    await (this.connecting ??= this.connect());
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    await this.connecting?.catch(() => undefined);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.options.databaseUrl,
      application_name: 'acr-cancel-listen',
      keepAlive: true,
    });
    client.on('error', (error) => this.options.onError?.(error));
    client.on('end', () => void this.reconnect(client));
    client.on('notification', (message) => {
      for (const listener of this.listeners) listener(message.payload ?? '');
    });
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    this.client = client;
  }

  private async reconnect(lost: Client): Promise<void> {
    if (this.client !== lost) return;
    this.client = undefined;
    while (!this.closed && !this.client) {
      await sleep(RECONNECT_MS, undefined, { ref: false });
      if (!this.closed) await this.connect().catch((error: Error) => this.options.onError?.(error));
    }
    if (this.closed) await (this.client as Client | undefined)?.end().catch(() => undefined);
  }
}
