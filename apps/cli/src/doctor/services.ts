import { rawEnv } from '@acrouter/config/env';
import { apiKeyOf, type ModelsFile } from '@acrouter/config/models-file';
import { inspectDatabase } from '@acrouter/db/inspect';
import { startPostgres } from '@acrouter/embedded/postgres';
import { openQueueConnection } from '@acrouter/queue/connection';
import { redisEvictionPolicy } from '@acrouter/queue/redis-eviction';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPoolWithoutKeys } from '../model-pool';
import { testAgentPresence, testModel } from '../model-test';
import type { StackFile } from '../stack/stack-file';
import { isReady } from '../stack/service-process';
import { ok, problem, reasonOf, warning, type Finding } from './finding';

/** The Postgres at `url`: reachable, migrated, not newer than this program. */
export async function checkDatabaseUrl(url: string): Promise<Finding> {
  try {
    const { version, missing, tooNew } = await inspectDatabase(url);
    if (tooNew)
      return problem(
        'Postgres',
        'a newer ACRouter has migrated it',
        'Upgrade ACRouter, or use another database.',
      );
    if (missing.length > 0)
      return warning(
        'Postgres',
        `${version} answers; ${missing.length} migrations are missing`,
        '"acr up" applies them, and so does "acr migrate".',
      );
    return ok('Postgres', `${version} answers, all migrations applied`);
  } catch (error) {
    return problem(
      'Postgres',
      `does not let us in: ${reasonOf(error)}`,
      'Is it running, and are host, port, user and password in the URL right (--database-url, ACR_DATABASE_URL)?',
    );
  }
}

/** Starts an embedded Postgres in a temporary folder and stops it again. */
export async function checkEmbeddedPostgres(): Promise<Finding> {
  const dir = mkdtempSync(join(tmpdir(), 'acr-doctor-'));
  try {
    const postgres = await startPostgres({ dataDir: join(dir, 'pg'), durable: false });
    const { version } = await inspectDatabase(postgres.url).finally(() => postgres.stop());
    return ok('Postgres', `the embedded one starts (${version})`);
  } catch (error) {
    return problem(
      'Postgres',
      `the embedded one does not start: ${reasonOf(error)}`,
      'Mend that, or give a Postgres of your own with --database-url.',
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The queue at `url`; a Redis must not evict keys, or messages would vanish under memory pressure. */
export async function checkQueueUrl(url: string): Promise<Finding> {
  try {
    const connection = await openQueueConnection(url, { poolSize: 2 });
    await connection.close();
    const policy = connection.kind === 'redis' ? await redisEvictionPolicy(url) : null;
    if (policy === null || policy === 'noeviction') return ok('queue', `${connection.kind} answers`);
    return problem(
      'queue',
      `Redis may throw messages away: its maxmemory-policy is "${policy}"`,
      'Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf.',
    );
  } catch (error) {
    return problem('queue', reasonOf(error), 'Start it, or mend --queue-url (ACR_QUEUE_URL).');
  }
}

/** The services of a running stack. */
export async function checkServices(stack: StackFile): Promise<Finding[]> {
  return Promise.all(
    stack.services.map(async ({ name, port, restarts }) =>
      (await isReady(port))
        ? ok(`service ${name}`, `ready${restarts ? `, restarted ${restarts} times` : ''}`)
        : problem(
            `service ${name}`,
            'is not ready',
            `Read the end of its log: logs/${name}.log in the data folder.`,
          ),
    ),
  );
}

/** The pool: the file parses, every key is there and, unless `offline`, every model answers one tiny question. */
export async function checkModels(path: string | null, offline: boolean): Promise<Finding[]> {
  let pool: ModelsFile;
  try {
    pool = readPoolWithoutKeys(path);
  } catch (error) {
    return [problem('models', reasonOf(error), 'Mend the file; "acr init FILE" writes one to start from.')];
  }
  const real = pool.models.filter((m) => m.provider !== 'simulated');
  const simulated = pool.models.length - real.length;
  const summary =
    real.length === 0
      ? warning(
          'models',
          `all ${simulated} are simulated: no real model is called`,
          'Put real ones into your models.yaml; "acr init" writes one with an example of every provider.',
        )
      : ok('models', `${pool.models.length} in ${pool.path}`);
  const findings = await Promise.all(
    real.map(async (entry) => {
      const key = apiKeyOf(entry, rawEnv());
      if (offline && !entry.agent && (key !== null || entry.apiKeyEnv === null))
        return ok(
          `model ${entry.id}`,
          entry.apiKeyEnv ? `${entry.apiKeyEnv} is set, not tried` : 'needs no key',
        );
      // An agent's run costs cents and takes a minute: "acr models test" does that.
      const test = entry.agent ? testAgentPresence(entry, entry.agent) : await testModel(entry, key);
      return test.ok
        ? ok(`model ${entry.id}`, test.detail)
        : problem(`model ${entry.id}`, test.detail, test.remedy);
    }),
  );
  return [summary, ...findings];
}
