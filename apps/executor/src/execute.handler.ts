import type { ExecuteMessage } from '@acrouter/contracts/messages';
import { Handles, type JobContext } from '@acrouter/queue/handles';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ExecuteService } from './execute.service';

/** The executor's inbox: one physical queue per model. */
@Controller()
export class ExecuteHandler {
  constructor(
    private readonly service: ExecuteService,
    private readonly relay: OutboxRelay,
  ) {}

  @Handles('execute')
  async handle(@Payload() message: ExecuteMessage, @Ctx() context: JobContext): Promise<void> {
    await this.relay.publish(await this.service.execute(message, context));
  }
}
