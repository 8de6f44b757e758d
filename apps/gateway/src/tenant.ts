import { AcrError } from '@acrouter/domain/errors';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';

/** Who sends a request. */
export interface Caller {
  tenantId: string;
  /** Provenance of what the caller says; never taken from the body. */
  source: `user:${string}`;
  /** Whether it may see what concerns all tenants. */
  admin: boolean;
}

const callers = new WeakMap<IncomingMessage, Caller>();

/** Remembers who sends a request; only the door (door.ts) calls it, once the request is admitted. */
export function admitAs(request: FastifyRequest, caller: Caller): void {
  callers.set(request.raw, caller);
}

/**
 * The one place where a handler learns whose request it has.
 * @throws AcrError ACR_UNAUTHENTICATED for a request that the door did not admit
 */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request.raw);
  if (!caller) throw unauthenticated();
  return caller;
}

/** The one answer to no key and to every kind of wrong one. */
export function unauthenticated(): AcrError {
  return new AcrError(
    'ACR_UNAUTHENTICATED',
    'Send a valid API key as "Authorization: Bearer acr_…". "acr keys create" makes one; docs/keys.md tells more.',
  );
}
