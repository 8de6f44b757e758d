import { submitFeedbackSchema } from '@acrouter/contracts/http';
import type { Database } from '@acrouter/db/client';
import { parseDecisionId } from '@acrouter/db/explain-reads';
import { attemptMeant, insertUserFeedback } from '@acrouter/db/user-feedback-store';
import { DATABASE } from '@acrouter/service/tokens';
import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { IdempotentRequests } from './idempotent.service';
import { notFound, parse, parseId } from './parse';
import { callerOf } from './tenant';

/** `POST /v1/feedback`: what a person or a pipeline says of a task, however long ago it settled. */
@Controller('v1/feedback')
export class FeedbackController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly requests: IdempotentRequests,
  ) {}

  @Post()
  async submit(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const said = parse(submitFeedbackSchema, body, 'body');
    const { tenantId, source } = callerOf(request);
    const about = said.taskId !== undefined ? { taskId: said.taskId, turn: null } : aboutOf(said.decisionId);
    const attempt = await attemptMeant(this.db, tenantId, about.taskId, about.turn);
    if (attempt === null) throw notFound(about.turn === null ? 'task' : 'decision');
    const id = uuidv7();
    await this.requests.answer(request, reply, async (trx) => {
      await insertUserFeedback(trx, {
        id,
        tenantId,
        taskId: about.taskId,
        attempt,
        source,
        metric: said.metric,
        value: said.value,
        tags: said.tags ?? [],
        reason: said.reason ?? null,
      });
      return { statusCode: 201, body: { feedbackId: id } };
    });
  }
}

function aboutOf(decisionId: string | undefined): { taskId: string; turn: number } {
  const parts = parseDecisionId(decisionId ?? '');
  if (!parts) throw notFound('decision');
  return { taskId: parseId(parts.taskId, 'task'), turn: parts.turn };
}
