import type { Env } from '@acrouter/config/env';
import type { Database } from '@acrouter/db/client';
import { countRequest, type KeyRow } from '@acrouter/db/key-store';
import { AcrError } from '@acrouter/domain/errors';
import { DATABASE, ENV } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireJson } from './body-type';
import { KeyRing } from './key-ring.service';
import { isLocal, isNeighbour } from './local-caller';
import { sendProblem } from './problem';
import { accessTo, QUEUE_BOARD_PATH, type Access } from './routes';
import { admitAs, unauthenticated } from './tenant';

/** Longest header that is looked at as a key. */
const MAX_KEY_LENGTH = 512;

/**
 * Lets requests in, before their bodies are read: who sends it, whether the key has the route's scope, whether it
 * has requests left in this minute, and whether the body says that it is JSON.
 */
@Injectable()
export class Door {
  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(DATABASE) private readonly db: Database,
    private readonly keys: KeyRing,
    host: HttpAdapterHost,
  ) {
    // Fastify gives a hook only to routes that are made after it, and Nest makes them after its providers.
    host.httpAdapter.getInstance<FastifyInstance>().addHook('onRequest', async (request, reply) => {
      try {
        await this.admit(request, reply);
        requireJson(request);
      } catch (error) {
        if (error instanceof AcrError && error.code === 'ACR_UNAUTHENTICATED')
          void reply.header('www-authenticate', isBoard(request) ? 'Basic realm="ACRouter"' : 'Bearer');
        sendProblem(error, request, reply);
        return reply;
      }
    });
  }

  /** Whether a request that was admitted would be admitted still; for answers that go on for long. */
  async stillAdmits(request: FastifyRequest): Promise<boolean> {
    const key = keyOf(request);
    return key === null ? this.servesWithoutKey(request) : (await this.keys.check(key)) !== null;
  }

  private async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const access = accessTo(request.method, request.routeOptions.url);
    if (access === 'public' || (access === 'metrics' && isNeighbour(request))) return;
    const key = keyOf(request);
    if (key === null) {
      if (!this.servesWithoutKey(request)) throw unauthenticated();
      return admitAs(request, { tenantId: 'default', source: 'user:local', admin: true });
    }
    const row = await this.keys.check(key);
    if (!row) throw unauthenticated();
    await this.count(row, reply);
    refuseWithoutScope(row, access);
    const admin = row.scopes.includes('admin');
    admitAs(request, { tenantId: row.tenant_id, source: `user:key-${row.prefix}`, admin });
  }

  private servesWithoutKey(request: FastifyRequest): boolean {
    return this.env.ACR_EMBEDDED && isLocal(request);
  }

  /** @throws AcrError ACR_RATE_LIMITED */
  private async count(row: KeyRow, reply: FastifyReply): Promise<void> {
    const limit = row.requests_per_minute ?? this.env.ACR_RATE_LIMIT_PER_MINUTE;
    const { used, resetSeconds } = await countRequest(this.db, row.id);
    void reply.header('x-ratelimit-limit', limit);
    void reply.header('x-ratelimit-remaining', Math.max(0, limit - used));
    void reply.header('x-ratelimit-reset', resetSeconds);
    if (used <= limit) return;
    void reply.header('retry-after', resetSeconds);
    throw new AcrError(
      'ACR_RATE_LIMITED',
      `This key may send ${limit} requests per minute. Try again in ${resetSeconds} s.`,
    );
  }
}

/** @throws AcrError ACR_FORBIDDEN */
function refuseWithoutScope(row: KeyRow, access: Access): void {
  if (access === 'any-key') return;
  const needed = access === 'metrics' ? 'admin' : access;
  if (row.scopes.includes(needed) || row.scopes.includes('admin')) return;
  throw new AcrError(
    'ACR_FORBIDDEN',
    `This needs a key with the scope "${needed}"; this key has: ${row.scopes.join(', ') || 'none'}.`,
  );
}

/** The key that a request brings: `Authorization: Bearer`, or `x-api-key` as Anthropic's clients send it. */
function keyOf(request: FastifyRequest): string | null {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  if (authorization !== undefined && isBoard(request)) {
    const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1];
    if (basic !== undefined) return passwordOf(basic).slice(0, MAX_KEY_LENGTH);
  }
  if (authorization !== undefined)
    return (/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '').slice(0, MAX_KEY_LENGTH);
  return typeof apiKey === 'string' ? apiKey.slice(0, MAX_KEY_LENGTH) : null;
}

/**
 * A browser that opens the queue board cannot send our header; it may send the key as the password of any user.
 * Only there: browsers send such credentials along with other sites' requests too, which is harmless because the
 * board answers every request that would change something with 405, whoever sends it (queue-board.ts).
 */
function isBoard(request: FastifyRequest): boolean {
  return (request.routeOptions.url ?? '').startsWith(QUEUE_BOARD_PATH);
}

function passwordOf(basic: string): string {
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}
