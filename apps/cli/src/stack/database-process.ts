import { startPostgres, type RunningPostgres } from '@acrouter/embedded/postgres';
import { keepPostgres, type PostgresKeeper } from './postgres-keeper';
import { isAlive } from './processes';

const LOOK_MS = 500;
/** Between tries to start it again, ms. */
const RETRY_MS = 2_000;

export interface DatabaseProcessOptions {
  /** Its data folder. */
  folder: string;
  /** File with the ids of the services, which need the database while they end. */
  servicePids: string;
  /** Told what happens, one line each. */
  log: (line: string) => void;
  /** Called after it has been started again: its process id is another. */
  onRestart: () => void;
}

/** The embedded Postgres of a stack. When it dies it is started again on the same port, as often as it takes. */
export class DatabaseProcess {
  private running: RunningPostgres | undefined;
  private keeper: PostgresKeeper | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;
  private restarting: Promise<void> | undefined;

  constructor(private readonly options: DatabaseProcessOptions) {}

  get pid(): number | null {
    return this.running?.pid ?? null;
  }

  /** @returns its URL, which stays the same over restarts @throws AcrError as `startPostgres` */
  async start(): Promise<string> {
    const running = await this.launch();
    // Somebody else's Postgres is theirs to keep alive.
    if (!running.attached) this.look();
    return running.url;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.restarting;
    this.keeper?.dismiss();
    await this.running?.stop();
  }

  private async launch(port?: number): Promise<RunningPostgres> {
    const { folder, servicePids, log } = this.options;
    const running = await startPostgres({ dataDir: folder, log, ...(port ? { port } : {}) });
    this.keeper?.dismiss();
    this.keeper = running.attached ? undefined : keepPostgres(folder, servicePids, running.pid);
    this.running = running;
    return running;
  }

  private look(): void {
    this.timer = setTimeout(() => {
      const { running } = this;
      if (!running || isAlive(running.pid)) return this.look();
      this.options.log('Postgres has died; starting it again');
      this.restarting = this.restart(running.port);
    }, LOOK_MS).unref();
  }

  private async restart(port: number): Promise<void> {
    try {
      await this.launch(port);
      this.options.log('Postgres runs again');
      this.options.onRestart();
      if (!this.stopping) this.look();
    } catch (error) {
      this.options.log(`Postgres did not start: ${(error as Error).message}`);
      if (this.stopping) return;
      this.timer = setTimeout(() => {
        this.restarting = this.restart(port);
      }, RETRY_MS).unref();
    }
  }
}
