import { Redis } from 'ioredis';

/**
 * The maxmemory-policy of the Redis at `url`: anything but `noeviction` loses messages when memory is short.
 * `null` when the server does not tell, as some managed ones. Throws when it cannot be reached.
 */
export async function redisEvictionPolicy(url: string): Promise<string | null> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const memory = await client.info('memory');
    return /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null;
  } finally {
    client.disconnect();
  }
}
