import type { ContextMessage } from '@acrouter/contracts/messages';
import { Handles, type JobContext } from '@acrouter/queue/handles';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ContextService } from './context.service';

/** gateway or orchestrator → memory: a task wants its context. */
@Controller()
export class ContextHandler {
  constructor(
    private readonly service: ContextService,
    private readonly relay: OutboxRelay,
  ) {}

  @Handles('context')
  async handle(@Payload() message: ContextMessage, @Ctx() context: JobContext): Promise<void> {
    await this.relay.publish(await this.service.recall(message.taskId, context.waitMs, context.signal));
  }
}
