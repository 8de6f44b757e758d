import { freePort } from '@acrouter/embedded/postgres';
import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';

export interface RunningRedis {
  url: string;
  port: number;
  pid: number;
  /** SIGKILL when `hard`, else a clean exit; waits for the end. */
  stop(hard?: boolean): Promise<void>;
}

/**
 * Starts a private `redis-server` without persistence (256 databases), for a test that empties or kills it.
 * @returns `null` when the machine has no redis-server.
 */
export async function startRedis(port?: number): Promise<RunningRedis | null> {
  const usedPort = port ?? (await freePort());
  const args = ['--port', String(usedPort), '--bind', '127.0.0.1', '--save', '', '--databases', '256'];
  const child = spawn('redis-server', [...args, '--dir', tmpdir(), '--maxmemory-policy', 'noeviction'], {
    stdio: 'ignore',
  });
  const absent = new Promise<'absent'>((done) => child.once('error', () => done('absent')));
  const url = `redis://127.0.0.1:${usedPort}`;
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 100, retryStrategy: () => 30 });
  client.on('error', () => undefined);
  const first = await Promise.race([absent, client.ping()]);
  client.disconnect();
  if (first === 'absent') return null;
  const ended = once(child, 'exit');
  return {
    url,
    port: usedPort,
    pid: child.pid ?? 0,
    stop: async (hard = false) => {
      child.kill(hard ? 'SIGKILL' : 'SIGTERM');
      await ended;
    },
  };
}
