import { openDatabase, type Database } from '@acrouter/db/client';
import { createTestDatabase } from '@acrouter/testing/databases';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The gateway as it is run, in a process of its own: with the queue board, whose libraries jest cannot load. */
export interface GatewayProcess {
  url: string;
  db: Database;
  stop(): Promise<void>;
}

/**
 * Starts one on a free loopback port, with real Postgres and its queue there too.
 * @param more variables; by default the gateway serves this machine without a key, as `acr up` has it
 * @throws Error when it ends before it is ready
 */
export async function startGatewayProcess(more: Record<string, string> = {}): Promise<GatewayProcess> {
  const database = await createTestDatabase();
  const env = {
    ...{ ACR_DATABASE_URL: database.url, ACR_LOG_LEVEL: 'silent' },
    ...{ ACR_HTTP_HOST: '127.0.0.1', ACR_HTTP_PORT: '0', ACR_EMBEDDED: '1', ...more },
  };
  const child = fork(join(__dirname, 'main.ts'), {
    env,
    execArgv: ['-r', join(__dirname, '../../../libs/testing/src/run-typescript.cjs')],
  });
  const ended = once(child, 'exit');
  const ready = once(child, 'message') as Promise<[{ url: string }]>;
  const first = await Promise.race([ready, ended.then(() => null)]);
  if (first === null) throw new Error('The gateway ended before it was ready.');
  const db = openDatabase({
    url: database.url,
    poolSize: 1,
    applicationName: 'test',
    onIdleError: () => undefined,
  });
  return {
    url: first[0].url,
    db,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await db.destroy();
      await database.drop();
    },
  };
}
