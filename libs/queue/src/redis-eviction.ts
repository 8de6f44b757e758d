import { setTimeout as sleep } from 'node:timers/promises';
import { keyHolders, openRedisClient } from './redis-client';

/** A TLS handshake with a busy server may break; the next one succeeds. */
const TRIES = 3;
const PAUSE_MS = 200;

/**
 * The maxmemory-policy of the Redis at `url`, of the first node of a cluster that has another than `noeviction`:
 * anything else loses messages when memory is short. `null` when the server does not tell, as some managed ones.
 * Throws when it cannot be reached, tried three times.
 */
export async function redisEvictionPolicy(url: string): Promise<string | null> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await askOnce(url);
    } catch (error) {
      if (tried >= TRIES) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function askOnce(url: string): Promise<string | null> {
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
