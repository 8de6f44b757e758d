import './run-typescript.cjs';
import { randomUUID } from 'node:crypto';
import type { TestServices } from './services';

declare global {
  var acrTestServices: TestServices | undefined;
}

/** Starts one Postgres and one Redis for the whole integration project; see services.ts. */
export default async function globalSetup(): Promise<void> {
  const { startTestServices } = await import('@acrouter/testing/services');
  const services = await startTestServices();
  globalThis.acrTestServices = services;
  // Inherited by everything the tests start, so that the teardown can find what they left behind.
  process.env.ACR_TEST_RUN = randomUUID();
  process.env.ACR_TEST_POSTGRES_URL = services.postgresUrl;
  if (services.redisUrl) process.env.ACR_TEST_REDIS_URL = services.redisUrl;
  else
    process.stderr.write(
      'Tests on Redis are left out: no Docker socket answers and redis-server is not installed ' +
        '(apt-get install redis-server).\n',
    );
  const { prepareTemplate } = await import('@acrouter/testing/databases');
  await prepareTemplate();
}
