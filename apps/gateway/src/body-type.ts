import { AcrError } from '@acrouter/domain/errors';
import type { FastifyRequest } from 'fastify';
import { SEND_JSON } from './problem';
import { takesBody } from './routes';

/**
 * Refuses a body that does not say that it is JSON. Fastify and Nest would read texts and forms too, and `curl -d`
 * calls everything a form: the mistake would be looked for in the JSON. Routes without a body take anything.
 * @throws AcrError ACR_UNSUPPORTED_MEDIA_TYPE
 */
export function requireJson(request: FastifyRequest): void {
  if (!takesBody(request.method, request.routeOptions.url) || !hasBody(request)) return;
  if (/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) return;
  throw new AcrError('ACR_UNSUPPORTED_MEDIA_TYPE', SEND_JSON);
}

/** Source: RFC 9112, §6: a request has a body when it says how long it is, or that it comes in chunks. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
