import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';

const RECONNECT_MS = 500;

export interface NotificationsOptions {
  /** The product's Postgres; the same on both queue back ends, since Postgres is always there. */
  databaseUrl: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Told of lost connections; they are mended. Default: nobody. */
  onError?: (error: Error) => void;
}

/**
 * Listens on one channel of Postgres over a connection of its own, which is opened again when it is lost. What was
 * said in between is lost too: best effort.
 */
export class Notifications {
  private readonly listeners = new Set<(payload: string) => void>();
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly channel: string,
    private readonly options: NotificationsOptions,
  ) {}

  /** Calls `listener` for every notification from now on. Resolves when listening. Returns how to stop. */
  async on(listener: (payload: string) => void): Promise<() => void> {
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
    const { databaseUrl: connectionString, applicationName: application_name, onError } = this.options;
    const client = new Client({ connectionString, application_name, keepAlive: true });
    client.on('error', (error) => onError?.(error));
    client.on('end', () => void this.reconnect(client));
    client.on('notification', (message) => {
      for (const listener of this.listeners) listener(message.payload ?? '');
    });
    await client.connect();
    await client.query(`LISTEN ${this.channel}`);
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
