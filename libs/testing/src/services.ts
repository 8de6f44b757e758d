import { startPostgres } from '@acrouter/embedded/postgres';
import { removePostgresData } from '@acrouter/embedded/postgres-files';
import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer } from 'testcontainers';
import { startRedis } from './redis';

/** What the integration project runs on; the URLs reach the test processes through the environment. */
export interface TestServices {
  postgresUrl: string;
  /** Absent when neither Docker nor redis-server is here; Redis tests are then left out. */
  redisUrl?: string;
  stop(): Promise<void>;
}

/**
 * The one place that chooses: containers where a Docker socket answers, else the embedded Postgres and a local
 * `redis-server`.
 */
export async function startTestServices(): Promise<TestServices> {
  return (await dockerAnswers()) ? startContainers() : startLocal();
}

async function startLocal(): Promise<TestServices> {
  const dir = mkdtempSync(join(tmpdir(), 'acr-test-'));
  const postgres = await startPostgres({ dataDir: dir, durable: false }).catch((error: unknown) => {
    removePostgresData(dir);
    throw error;
  });
  const redis = await startRedis();
  return {
    postgresUrl: postgres.url,
    redisUrl: redis?.url,
    stop: async () => {
      await redis?.stop();
      await postgres.stop();
      removePostgresData(dir);
    },
  };
}

async function startContainers(): Promise<TestServices> {
  const [postgres, redis] = await Promise.all([
    new GenericContainer('postgres:18-alpine')
      .withEnvironment({ POSTGRES_PASSWORD: 'test' })
      .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'fsync=off'])
      .withExposedPorts(5432)
      .start(),
    new GenericContainer('redis:8-alpine')
      .withCommand(['redis-server', '--save', '', '--databases', '256'])
      .withExposedPorts(6379)
      .start(),
  ]);
  return {
    postgresUrl: `postgres://postgres:test@${postgres.getHost()}:${postgres.getMappedPort(5432)}/postgres`,
    redisUrl: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
    stop: async () => {
      await Promise.all([postgres.stop(), redis.stop()]);
    },
  };
}

function dockerAnswers(): Promise<boolean> {
  return new Promise((done) => {
    const ping = request(
      { socketPath: '/var/run/docker.sock', path: '/_ping', timeout: 2_000 },
      (response) => {
        response.resume();
        done(response.statusCode === 200);
      },
    );
    ping.on('error', () => done(false));
    ping.on('timeout', () => ping.destroy());
    ping.end();
  });
}
