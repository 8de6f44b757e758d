import type { DecideMessage } from '@acrouter/contracts/messages';
import { Cancellations } from '@acrouter/queue/cancellations';
import { Handles, type JobContext } from '@acrouter/queue/handles';
import { OutboxRelay } from '@acrouter/service/outbox-relay';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AdmissionRounds } from './admission-rounds';
import { DecideService } from './decide.service';

/** The orchestrator's one inbox. */
@Controller()
export class DecideHandler {
  constructor(
    private readonly service: DecideService,
    private readonly relay: OutboxRelay,
    private readonly cancellations: Cancellations,
    private readonly admissions: AdmissionRounds,
  ) {}

  @Handles('decide')
  async handle(@Payload() message: DecideMessage, @Ctx() context: JobContext): Promise<void> {
    const { outbox, cancelTaskId } = await this.service.handle(message, context.waitMs);
    // Nothing follows: the task is settled, most likely.
    if (outbox.length === 0) this.admissions.placeFreed();
    await this.relay.publish(outbox);
    if (cancelTaskId) await this.cancellations.cancelTask(cancelTaskId);
  }
}
