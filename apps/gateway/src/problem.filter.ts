import type { Logger } from '@acrouter/telemetry/log';
import { LOGGER } from '@acrouter/service/tokens';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendAndLog } from './problem';

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
    sendAndLog(this.log, error, request, reply);
  }
}

/** The body of an error that was thrown with one (/readyz says which dependency is away). */
function ownBody(error: unknown): { status: number; body: object } | null {
  if (!(error instanceof HttpException)) return null;
  const body = error.getResponse();
  return typeof body === 'object' && !('statusCode' in body) ? { status: error.getStatus(), body } : null;
}
