import type { FeedbackMessage } from '@acrouter/contracts/messages';
import { Handles, type JobContext } from '@acrouter/queue/handles';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { FeedbackService } from './feedback.service';

/** verifier → memory: a verdict is stored. */
@Controller()
export class FeedbackHandler {
  constructor(
    private readonly service: FeedbackService,
    private readonly relay: OutboxRelay,
  ) {}

  @Handles('feedback')
  async handle(@Payload() message: FeedbackMessage, @Ctx() context: JobContext): Promise<void> {
    const { taskId, attempt } = message;
    await this.relay.publish(await this.service.commit(taskId, attempt, context.waitMs, context.signal));
  }
}
