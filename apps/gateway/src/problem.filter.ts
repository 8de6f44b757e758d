import type { Logger } from '@acrouter/telemetry/log';
import { LOGGER } from '@acrouter/service/tokens';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem';

/** Answers every error as problem+json, and logs those that are ours to mend. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) return;
    const own = ownBody(error);
    if (own) {
      void reply.status(own.status).send(own.body);
      return;
    }
    const problem = sendProblem(error, request, reply);
    if (problem.status >= 500)
      this.log.error({ ...loggable(error), method: request.method, path: problem.instance }, problem.title);
  }
}

/** The body of an error that was thrown with one (/readyz says which dependency is away). */
function ownBody(error: unknown): { status: number; body: object } | null {
  if (!(error instanceof HttpException)) return null;
  const body = error.getResponse();
  return typeof body === 'object' && !('statusCode' in body) ? { status: error.getStatus(), body } : null;
}

/** An error without the fields in which Postgres quotes the row, and with it the prompt. */
function loggable(error: unknown): { reason: string; code: string | undefined; stack: string | undefined } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { message, code, stack } = (cause ?? {}) as { message?: string; code?: string; stack?: string };
  return { reason: message ?? String(cause), code, stack };
}
