import type { VerifyMessage } from '@acrouter/contracts/messages';
import { Handles, type JobContext } from '@acrouter/queue/handles';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { VerifyService } from './verify.service';

/** The verifier's inbox. */
@Controller()
export class VerifyHandler {
  constructor(
    private readonly service: VerifyService,
    private readonly relay: OutboxRelay,
  ) {}

  @Handles('verify')
  async handle(@Payload() message: VerifyMessage, @Ctx() context: JobContext): Promise<void> {
    await this.relay.publish(await this.service.verify(message, context));
  }
}
