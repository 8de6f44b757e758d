import type { Problem } from '@acrouter/contracts/http';
import { AcrError, ERRORS } from '@acrouter/domain/errors';
import type { Logger } from '@acrouter/telemetry/log';
import { HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Any error as the one shape that clients see (RFC 9457). Never says more of an unforeseen one than that it was. */
export function toProblem(error: unknown): Problem {
  const known = error instanceof AcrError ? error : translate(error);
  const { title, ...entry } = { ...ERRORS[known.code], title: ERRORS[known.code].message };
  const errors = known.fields['errors'];
  return {
    type: `urn:acrouter:error:${known.code}`,
    title,
    status: entry.httpStatus,
    code: known.code,
    detail: known.message,
    retryable: entry.retryable,
    ...(Array.isArray(errors) ? { errors: errors as NonNullable<Problem['errors']> } : {}),
  };
}

/** Answers with the problem that `error` is, and returns it. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
  const problem = { ...toProblem(error), instance: request.url.split('?')[0]?.slice(0, 200) };
  limitHeaders(error, reply);
  if (problem.retryable && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
  return problem;
}

/** As {@link sendProblem}; logs what is ours to mend. */
export function sendAndLog(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = sendProblem(error, request, reply);
  if (problem.status >= 500)
    log.error({ ...loggable(error), method: request.method, path: problem.instance }, problem.title);
}

/** An error without the fields in which Postgres quotes the row, and with it the prompt. */
function loggable(error: unknown): { reason: string; code: string | undefined; stack: string | undefined } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { message, code, stack } = (cause ?? {}) as { message?: string; code?: string; stack?: string };
  return { reason: message ?? String(cause), code, stack };
}

/** What a limit that was met tells of itself (RateLimit header fields for HTTP, IETF draft 10). */
function limitHeaders(error: unknown, reply: FastifyReply): void {
  const fields = error instanceof AcrError ? error.fields : {};
  const seconds = fields['retryAfterSeconds'];
  const limit = fields['rateLimit'] as { policy: string; limit: number; remaining: number } | undefined;
  if (typeof seconds === 'number') void reply.header('retry-after', seconds);
  if (!limit) return;
  void reply.header('ratelimit-policy', `"${limit.policy}";q=${limit.limit};qu="tasks"`);
  void reply.header('ratelimit', `"${limit.policy}";r=${limit.remaining};t=${String(seconds)}`);
}

/** Options of the Fastify server: requests that never reach a route are answered in the same shape. */
export const PROBLEM_OPTIONS: Readonly<Record<string, unknown>> = {
  frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    sendProblem(error, request, reply);
  },
};

const TOO_LARGE =
  'Send fewer tasks per request: POST /v1/runs/{id}/tasks adds more. ACR_BODY_LIMIT_BYTES is the limit.';
/** The remedy for a body of another type. */
export const SEND_JSON =
  'Send the body as JSON, and say so with the header "content-type: application/json".';
const NOT_JSON =
  'The request cannot be read: its body is not JSON, or its path is not a URL. Check quotes, commas and escapes.';

function translate(error: unknown): AcrError {
  const { code, statusCode } = (error ?? {}) as { code?: string; statusCode?: number };
  if (isLostDatabase(code, error))
    return new AcrError('ACR_DATABASE_UNAVAILABLE', 'Postgres does not answer. Try again shortly.', {
      cause: error,
    });
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  // 414: a path that is longer than any id.
  if (status === 404 || status === 414)
    return new AcrError('ACR_NOT_FOUND', 'There is no such route. GET /openapi.json lists them all.');
  if (status === 413) return new AcrError('ACR_TOO_LARGE', TOO_LARGE, { cause: error });
  if (status === 415) return new AcrError('ACR_UNSUPPORTED_MEDIA_TYPE', SEND_JSON, { cause: error });
  if (status !== undefined && status >= 400 && status < 500)
    return new AcrError('ACR_INVALID_REQUEST', NOT_JSON, { cause: error });
  return new AcrError(
    'ACR_INTERNAL',
    'Something unexpected happened. The gateway’s log has it; the same request may succeed when sent again.',
    { cause: error },
  );
}

/** Connection refused or cut, and Postgres's own classes 08 (connection), 53 (out of …) and 57P (shut down). */
function isLostDatabase(code: string | undefined, error: unknown): boolean {
  if (/^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|ETIMEDOUT|08...|53...|57P0.)$/.test(code ?? '')) return true;
  const message = error instanceof Error ? error.message : '';
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/.test(
    message,
  );
}
