import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { QUEUES, QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import { DEAD_LETTER_QUEUE } from '@acrouter/queue/dead-letters';
import { physicalName } from '@acrouter/queue/queue-key';
import type { ServiceContext } from '@acrouter/service/service-context';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { QUEUE_BOARD_PATH } from './routes';

/**
 * Bull Board, a web page on the queues, at /admin/queues. It only looks: retrying and dropping are for
 * `acr dlq`, which checks what it does. Its routes are in no table of ours and so ask for the scope `admin`.
 */
export async function openQueueBoard(app: NestFastifyApplication, context: ServiceContext): Promise<void> {
  const models = context.models.models.map((m) => m.id);
  const names = QUEUE_NAMES.flatMap((name) =>
    QUEUES[name].keyed ? models.map((model) => physicalName(name, model)) : [name],
  );
  const serverAdapter = new FastifyAdapter().setBasePath(QUEUE_BOARD_PATH);
  createBullBoard({
    queues: [...names, DEAD_LETTER_QUEUE].map(
      (name) => new BullMQAdapter(context.queue.queue(name), { readOnlyMode: true }),
    ),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'ACRouter queues' } },
  });
  // Nest brings a Fastify of its own, whose types are another's.
  const plugin = serverAdapter.registerPlugin() as unknown as Parameters<typeof app.register>[0];
  await app.register(plugin, { prefix: QUEUE_BOARD_PATH });
}
