import { AcrError } from '@acrouter/domain/errors';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { readFileSync } from 'node:fs';
import type { Socket as NetStream } from 'node:net';
import { PatientConnector } from './redis-connector';
import { parseRedisUrl, type RedisPlace } from './redis-url';

/** A connection to a Redis of any kind. */
export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  /** Reconnections that a command waits for; `null`: for ever, as BullMQ's workers demand. */
  maxRetriesPerRequest: number | null;
  /** Wait before the n-th reconnection, ms; `null` gives up. */
  retryStrategy: (times: number) => number | null;
  /** Connects at the first command, or at `connect()`. Default: at once. */
  lazyConnect?: boolean;
}

/**
 * Opens the Redis at `url`: one server, a Cluster, or whoever the sentinels call the master.
 * @throws AcrError ACR_CONFIG_INVALID for a URL of another form, or a certificate that cannot be read
 */
export function openRedisClient(url: string, options: RedisClientOptions): RedisClient {
  const place = parseRedisUrl(url);
  const tls = place.tls ? { tls: tlsOf(place) } : {};
  const { username, password, database: db } = place;
  const { maxRetriesPerRequest, retryStrategy, lazyConnect } = options;
  const common: RedisOptions = { username, password, maxRetriesPerRequest, ...tls };
  const direct = { Connector: PatientConnector as RedisOptions['Connector'] };
  if (place.kind === 'cluster')
    return new Cluster(place.nodes, {
      lazyConnect,
      clusterRetryStrategy: retryStrategy,
      // Nodes announce addresses; certificates name hosts. Asking no name server keeps the name that was given.
      ...(place.tls ? { dnsLookup: (address, done) => done(null, address) } : {}),
      redisOptions: { ...common, ...direct },
    });
  if (place.kind === 'sentinel')
    return gathering(
      new Redis({
        ...common,
        ...{ db, lazyConnect, retryStrategy, sentinelRetryStrategy: retryStrategy },
        sentinels: place.nodes,
        name: place.master,
        sentinelPassword: place.sentinelPassword,
        ...(place.tls ? { sentinelTLS: tlsOf(place), enableTLSForSentinelMode: true } : {}),
      }),
    );
  return gathering(new Redis({ ...common, ...direct, db, lazyConnect, retryStrategy, ...place.nodes[0] }));
}

/**
 * The commands of one turn of the event loop leave in one packet: a group of jobs that end together costs both sides
 * one system call instead of one per job. ioredis' own auto-pipelining leaves scripts alone, which is all that BullMQ sends.
 */
function gathering(client: Redis): Redis {
  const send = client.sendCommand.bind(client);
  let gathers = false;
  client.sendCommand = (command, stream) => {
    // The public type of a client does not have its socket.
    const socket = (client as unknown as { stream?: NetStream }).stream;
    if (socket && !gathers) {
      gathers = true;
      socket.cork();
      setImmediate(() => {
        gathers = false;
        socket.uncork();
      });
    }
    return send(command, stream);
  };
  return client;
}

function tlsOf(place: RedisPlace): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (file: string | undefined) => {
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new AcrError('ACR_CONFIG_INVALID', `The Redis URL names ${file}, which cannot be read.`, {
        cause,
      });
    }
  };
  const [ca, cert, key] = [read(place.caFile), read(place.certFile), read(place.keyFile)];
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

/** The servers that hold keys: the one there is, or the masters of a cluster. */
export const keyHolders = (client: RedisClient): Redis[] =>
  client instanceof Cluster ? client.nodes('master') : [client];
