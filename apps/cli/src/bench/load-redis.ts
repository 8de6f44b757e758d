import { AcrError } from '@acrouter/domain/errors';
import { freePort } from '@acrouter/embedded/postgres';
import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A Redis that a benchmark may use. */
export interface BenchRedis {
  url: string;
  /** Of the server that was started here; `null` for one that was running already. */
  pid: number | null;
  /** Bytes that Redis holds now (INFO memory, used_memory). */
  usedBytes(): Promise<number>;
  stop(): Promise<void>;
}

const PING_RETRIES = 100;

/**
 * The Redis of `url`, or a `redis-server` of this command's own: on loopback, without persistence, ended with it.
 * @throws AcrError ACR_QUEUE_UNAVAILABLE when nothing answers, or the machine has no redis-server.
 */
export async function openBenchRedis(url: string | undefined, dir: string): Promise<BenchRedis> {
  const port = url === undefined ? await freePort() : 0;
  const target = url ?? `redis://127.0.0.1:${port}`;
  const child =
    url === undefined
      ? spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir], {
          stdio: 'ignore',
        })
      : null;
  const failed = new Promise<'absent'>((done) => child?.once('error', () => done('absent')));
  const client = new Redis(target, { maxRetriesPerRequest: PING_RETRIES, retryStrategy: () => 30 });
  client.on('error', () => undefined);
  const answer = await Promise.race([failed, client.ping().catch((error: Error) => error)]);
  if (answer !== 'PONG') {
    client.disconnect();
    child?.kill();
    throw unavailable(url, answer);
  }
  return {
    url: target,
    pid: child?.pid ?? null,
    usedBytes: async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1] ?? NaN),
    stop: async () => {
      client.disconnect();
      if (!child || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

function unavailable(url: string | undefined, answer: unknown): AcrError {
  const message =
    url === undefined
      ? 'acr bench load measures on Redis, and this machine has no redis-server. Install it (apt-get install redis-server, brew install redis), or name a running one with --queue-url redis://… or ACR_QUEUE_URL.'
      : `Nothing answers at the Redis of --queue-url or ACR_QUEUE_URL: ${String(answer)}.`;
  return new AcrError('ACR_QUEUE_UNAVAILABLE', message);
}
