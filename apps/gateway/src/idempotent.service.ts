import type { Database, Executor } from '@acrouter/db/client';
import {
  forgetExpiredKeys,
  keepAnswer,
  requestHash,
  takeKey,
  type KeyState,
} from '@acrouter/db/idempotency-store';
import { AcrError } from '@acrouter/domain/errors';
import { DATABASE } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid } from './parse';
import { callerOf } from './tenant';

/** How long an answer can be replayed, ms. Published with every answer as `idempotency-expires`. */
export const KEY_TTL_MS = 24 * 3_600_000;
/** Expired keys forgotten with each request that brings a key: more than one, so that they never pile up. */
const FORGET_PER_REQUEST = 20;

/** What a request did, to be answered once it is committed. */
export interface Done {
  statusCode: number;
  body: object;
}

/**
 * Runs a request's work in one transaction, together with its Idempotency-Key when it has one: the work and the
 * kept answer are committed both or not at all.
 */
@Injectable()
export class IdempotentRequests {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    work: (trx: Executor) => Promise<Done>,
  ): Promise<void> {
    const key = keyOf(request);
    if (key === null) {
      const done = await this.db.transaction().execute(work);
      send(reply, done.statusCode, JSON.stringify(done.body));
      return;
    }
    const { replayed, statusCode, body, expiresAt } = await this.once(request, key, work);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    void reply.header('idempotency-expires', expiresAt.toUTCString());
    send(reply, statusCode, body);
  }

  private once(request: FastifyRequest, key: string, work: (trx: Executor) => Promise<Done>) {
    const { tenantId } = callerOf(request);
    const hash = requestHash(request.method, request.url, request.body);
    return this.db.transaction().execute(async (trx) => {
      const state = await takeKey(trx, tenantId, key, hash);
      refuse(state);
      if (state.kind === 'replay') return { replayed: true, ...state };
      await forgetExpiredKeys(trx, FORGET_PER_REQUEST);
      const done = await work(trx);
      const answer = { hash, statusCode: done.statusCode, body: JSON.stringify(done.body) };
      const expiresAt = await keepAnswer(trx, tenantId, key, answer, KEY_TTL_MS);
      return { replayed: false, ...answer, expiresAt };
    });
  }
}

/** @throws AcrError for a key that is in use or was used for something else. */
function refuse(state: KeyState): asserts state is Extract<KeyState, { kind: 'new' | 'replay' }> {
  if (state.kind === 'busy')
    throw new AcrError(
      'ACR_CONFLICT',
      'A request with this Idempotency-Key is being handled. Send it again shortly to get its answer.',
    );
  if (state.kind === 'mismatch')
    throw new AcrError(
      'ACR_IDEMPOTENCY_MISMATCH',
      'This Idempotency-Key was used with another request. Use a new key for a new request.',
    );
}

function keyOf(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw invalid('headers', [
    { path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters, and given once' },
  ]);
}

function send(reply: FastifyReply, statusCode: number, body: string): void {
  void reply.status(statusCode).header('content-type', 'application/json; charset=utf-8').send(body);
}
