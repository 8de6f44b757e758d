import { rawEnv } from '@acrouter/config/env';
import { readModelsFile } from '@acrouter/config/models-file';
import { AcrError } from '@acrouter/domain/errors';
import { freePort } from '@acrouter/embedded/postgres';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { migrateDatabase } from '../commands/migrate';
import { DatabaseProcess } from './database-process';
import { portOwner } from './processes';
import { ServiceProcess } from './service-process';
import { lockDataDir, pathsOf, removeStack, writeStack, type StackFile } from './stack-file';

/** The gateway first: it is stopped first too, so that nothing new comes in. */
export const SERVICES = ['gateway', 'orchestrator', 'executor', 'verifier', 'memory'] as const;

const READY_TIMEOUT_MS = 60_000;
/** Longer than a service takes at most (ACR_SHUTDOWN_GRACE_MS and 15 s), so that force is the exception. */
const STOP_GRACE_MS = 38_000;

export interface StackOptions {
  dataDir: string;
  /** The gateway's port; 0 = any free one. Default 8700. */
  port?: number;
  /** Default: the embedded Postgres. */
  databaseUrl?: string;
  /** Default: the database. */
  queueUrl?: string;
  /** Default: the simulated pool. */
  modelsFile?: string | null;
  /** More variables for every service. */
  env?: Record<string, string>;
  /** Processes per service; default 1. The gateway's further ones listen on ports of their own. */
  copies?: Partial<Record<(typeof SERVICES)[number], number>>;
  /** Told what happens, one line each. */
  log: (line: string) => void;
}

/** Starts Postgres and the five services, keeps them running, and stops them. */
export class Supervisor {
  private postgres: DatabaseProcess | undefined;
  private services: ServiceProcess[] = [];
  private stack: StackFile | undefined;
  private locked = false;
  private starting: Promise<StackFile> | undefined;
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: StackOptions) {}

  /**
   * Starts everything and waits until every service is ready.
   * @throws AcrError that names cause and remedy; whatever had been started is stopped again
   */
  async start(): Promise<StackFile> {
    this.starting = this.startAll();
    try {
      return await this.starting;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  private async startAll(): Promise<StackFile> {
    const { options } = this;
    readModelsFile(options.modelsFile ?? null, rawEnv());
    lockDataDir(options.dataDir);
    this.locked = true;
    const port = await claimPort(options.port ?? 8700);
    const databaseUrl = options.databaseUrl ?? (await this.startDatabase());
    this.checkpoint();
    const applied = await migrateDatabase(databaseUrl);
    if (applied.length > 0) options.log(`Database brought up to date (${applied.length} migrations)`);
    const queueUrl = options.queueUrl ?? databaseUrl;
    if (options.queueUrl) await checkQueue(options.queueUrl, options.log);
    this.checkpoint();
    await this.startServices(port, databaseUrl, queueUrl);
    await this.waitForServices();
    this.checkpoint();
    return this.stack as StackFile;
  }

  /** Ends a start during which somebody asked for the stop. */
  private checkpoint(): void {
    if (this.stopped) throw new AcrError('ACR_INTERNAL', 'Stopped before everything had started.');
  }

  private async startDatabase(): Promise<string> {
    const { options } = this;
    const paths = pathsOf(options.dataDir);
    options.log('Starting Postgres');
    this.postgres = new DatabaseProcess({
      folder: paths.postgres,
      servicePids: paths.servicePids,
      log: options.log,
      onRestart: () => this.save(),
    });
    return this.postgres.start();
  }

  private async startServices(port: number, databaseUrl: string, queueUrl: string): Promise<void> {
    const { options } = this;
    options.log(`Starting ${SERVICES.join(', ')}`);
    const env = {
      ...rawEnv(),
      ...options.env,
      ACR_DATABASE_URL: databaseUrl,
      ACR_QUEUE_URL: queueUrl,
      ACR_EMBEDDED: '1',
      ACR_MODELS_FILE: options.modelsFile ?? undefined,
    };
    for (const { service, name } of processNames(options.copies ?? {})) {
      const ownPort = name === 'gateway' ? port : await freePort();
      this.services.push(
        new ServiceProcess({
          name,
          script: join(__dirname, '../../..', service, 'dist/main.js'),
          port: ownPort,
          env: { ...env, ACR_HTTP_PORT: String(ownPort) },
          logDir: pathsOf(options.dataDir).logs,
          log: options.log,
          onChange: () => this.save(),
        }),
      );
    }
    this.stack = {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      url: `http://127.0.0.1:${port}`,
      databaseUrl,
      queueUrl,
      postgresPid: this.postgres?.pid ?? null,
      modelsFile: options.modelsFile ?? null,
      services: [],
    };
    for (const service of this.services) service.start();
  }

  private async waitForServices(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    const ready = await Promise.all(
      this.services.map((s) => s.waitUntilReady(deadline, () => this.stopped !== undefined)),
    );
    const late = this.services.find((_, i) => !ready[i]);
    if (!late || this.stopped) return;
    throw new AcrError(
      'ACR_INTERNAL',
      `The ${late.state.name} service did not become ready. Its log (${late.logFile}) ends with:\n${late.logTail(4)}`,
    );
  }

  private save(): void {
    if (!this.stack || this.stopped) return;
    const postgresPid = this.postgres?.pid ?? null;
    this.stack = { ...this.stack, postgresPid, services: this.services.map((s) => s.state) };
    writeStack(this.options.dataDir, this.stack);
  }

  /** Stops everything: services within their grace, then Postgres. Idempotent; ends within about a minute. */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopAll());
  }

  private async stopAll(): Promise<void> {
    // What is just being started must be known before it can be stopped.
    await this.starting?.catch(() => undefined);
    await Promise.all(this.services.map((s) => s.stop(STOP_GRACE_MS)));
    await this.postgres?.stop();
    if (this.locked) removeStack(this.options.dataDir);
  }
}

/** `verifier`, `verifier-2`, … */
function processNames(copies: NonNullable<StackOptions['copies']>): { service: string; name: string }[] {
  return SERVICES.flatMap((service) =>
    Array.from({ length: copies[service] ?? 1 }, (_, i) => ({
      service,
      name: i === 0 ? service : `${service}-${i + 1}`,
    })),
  );
}

/** The wanted port if it is free, or any free one for 0. @throws AcrError ACR_PORT_TAKEN that says by whom */
async function claimPort(port: number): Promise<number> {
  if (port === 0) return freePort();
  if (await isFree(port)) return port;
  const owner = portOwner(port);
  throw new AcrError(
    'ACR_PORT_TAKEN',
    `Port ${port} is in use${owner ? ` by ${owner}` : ''}. Stop that program, or choose another port with --port N.`,
  );
}

/** Whether nobody listens on a port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
      .once('error', () => done(false))
      .listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

async function checkQueue(url: string, log: (line: string) => void): Promise<void> {
  const { openQueueConnection } = await import('@acrouter/queue/connection');
  const connection = await openQueueConnection(url);
  await connection.close();
  if (connection.kind !== 'redis') return;
  const { redisEvictionPolicy } = await import('@acrouter/queue/redis-eviction');
  const policy = await redisEvictionPolicy(url).catch(() => null);
  if (policy !== null && policy !== 'noeviction')
    log(
      `WARNING: Redis may throw messages away (maxmemory-policy ${policy}). Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf.`,
    );
}
