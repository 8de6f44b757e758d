import { readEnv } from '@acrouter/config/env';
import { CoreModule } from '@acrouter/service/core.module';
import { Readiness } from '@acrouter/service/readiness';
import {
  closeServiceContext,
  openServiceContext,
  type ServiceContext,
} from '@acrouter/service/service-context';
import { createTestDatabase } from '@acrouter/testing/databases';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { AppModule } from './app.module';
import { PROBLEM_OPTIONS } from './problem';

/** A gateway for tests: real Postgres, real queue (on Postgres), real HTTP on a free loopback port. */
export interface TestGateway {
  url: string;
  app: NestFastifyApplication;
  context: ServiceContext;
  close(): Promise<void>;
}

/**
 * @param bodyLimit bytes; default 4 MiB.
 * @param more variables; by default the gateway serves this machine without a key, as `acr up` has it
 */
export async function startTestGateway(
  bodyLimit = 4_194_304,
  more: Record<string, string> = {},
): Promise<TestGateway> {
  const database = await createTestDatabase();
  const env = readEnv({
    ACR_DATABASE_URL: database.url,
    ACR_LOG_LEVEL: 'silent',
    ACR_DATABASE_POOL: '12',
    ACR_EMBEDDED: '1',
    ...more,
  });
  const context = await openServiceContext('gateway', env);
  const root = { module: class Root {}, imports: [CoreModule.with(context, new Readiness()), AppModule] };
  const adapter = new FastifyAdapter({ bodyLimit, forceCloseConnections: true, ...PROBLEM_OPTIONS });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger: false });
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    app,
    context,
    close: async () => {
      await app.close();
      await closeServiceContext(context);
      await database.drop();
    },
  };
}

export interface Answer {
  status: number;
  headers: Headers;
  // Tests look into answers whose form they are testing.
  body: Record<string, unknown>;
}

/** Sends a request; a body that is not text is sent as JSON. */
export async function ask(
  gateway: { url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
  return { status: response.status, headers: response.headers, body: parsed };
}
