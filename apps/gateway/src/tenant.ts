import type { FastifyRequest } from 'fastify';

/** Who sends a request. */
export interface Caller {
  tenantId: string;
  /** Provenance of what the caller says; never taken from the body. */
  source: `user:${string}`;
}

/**
 * The one place where a request becomes a tenant. There are no keys yet: the gateway binds loopback only, and
 * whoever reaches it is the one local user.
 */
export function callerOf(_request: FastifyRequest): Caller {
  return { tenantId: 'default', source: 'user:local' };
}
