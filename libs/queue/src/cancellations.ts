import { Client } from 'pg';
import { Notifications } from './notifications';

const CHANNEL = 'acr_cancel';

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
  private readonly calls: Notifications;

  constructor(private readonly options: CancellationsOptions) {
    this.calls = new Notifications(CHANNEL, { ...options, applicationName: 'acr-cancel-listen' });
  }

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
  onCancel(listener: (taskId: string) => void): Promise<() => void> {
    return this.calls.on(listener);
  }

  close(): Promise<void> {
    return this.calls.close();
  }
}
