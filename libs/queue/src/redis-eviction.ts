import { keyHolders, openRedisClient } from './redis-client';

/**
 * The maxmemory-policy of the Redis at `url`, of the first node of a cluster that has another than `noeviction`:
 * anything else loses messages when memory is short. `null` when the server does not tell, as some managed ones.
 * Throws when it cannot be reached.
 */
export async function redisEvictionPolicy(url: string): Promise<string | null> {
  const client = openRedisClient(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const policies = await Promise.all(
      keyHolders(client).map(async (node) => policyOf(await node.info('memory'))),
    );
    return policies.find((policy) => policy !== null && policy !== 'noeviction') ?? policies[0] ?? null;
  } finally {
    client.disconnect();
  }
}

const policyOf = (memory: string): string | null => /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null;
