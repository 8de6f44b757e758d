import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { QUEUES, QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import type { QueueConnection } from '@acrouter/queue/connection';
import { DEAD_LETTER_QUEUE } from '@acrouter/queue/dead-letters';
import { physicalName } from '@acrouter/queue/queue-key';
import { within } from '@acrouter/queue/time-limit';
import type { ServiceContext } from '@acrouter/service/service-context';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { sendAndLog } from './problem';
import { QUEUE_BOARD_PATH } from './routes';

/** A queue that has not answered by then counts as away, ms. Its own client would wait for 10 s. */
const PATIENCE_MS = 2_000;

/**
 * The page asks a font server of Google's; nothing may leave a reader's browser. Its styles are partly inline, and
 * its pictures partly in the style sheet.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Bull Board, a web page on the queues, at /admin/queues. It only looks: retrying and dropping are for
 * `acr dlq`, which checks what it does. Its routes are in no table of ours and so ask for the scope `admin`.
 */
export async function openQueueBoard(app: NestFastifyApplication, context: ServiceContext): Promise<void> {
  const board = bullBoard(context);
  const plugin = async (scope: FastifyInstance): Promise<void> => {
    keepReadOnly(scope);
    refuseWithoutQueue(scope, context);
    await scope.register(board.registerPlugin() as Parameters<typeof scope.register>[0]);
  };
  // Nest brings a Fastify of its own, whose types are another's.
  await app.register(plugin as unknown as Parameters<typeof app.register>[0], { prefix: QUEUE_BOARD_PATH });
}

function bullBoard(context: ServiceContext): FastifyAdapter {
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
  // The library would answer with whatever text the fault has; Fastify hands what is thrown here to our handler.
  return serverAdapter.setErrorHandler((error) => {
    throw error;
  });
}

/** The answer to a write is the library's own for a queue that is read only; here no write gets as far as the library. */
function keepReadOnly(scope: FastifyInstance): void {
  scope.addHook('onRequest', async (request, reply) => {
    void reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    if (request.method === 'GET' || request.method === 'HEAD') return;
    return reply
      .status(405)
      .header('allow', 'GET, HEAD')
      .send({ error: { key: 'ERRORS.QUEUE_READ_ONLY' } });
  });
}

/** Answers ACR_QUEUE_UNAVAILABLE while the queue is away, whether it was before the request or goes away during it. */
function refuseWithoutQueue(scope: FastifyInstance, { queue, log }: ServiceContext): void {
  scope.addHook('preHandler', async (request) => {
    const asksQueue = request.routeOptions.url?.startsWith(`${QUEUE_BOARD_PATH}/api/`);
    const lost = asksQueue ? await lossOf(queue) : null;
    if (lost) throw lost;
  });
  scope.setErrorHandler(async (error, request, reply) => {
    const lost = error instanceof AcrError ? null : await lossOf(queue);
    sendAndLog(log, lost ?? error, request, reply);
    return reply;
  });
}

/** `null` when the queue answers. */
async function lossOf(queue: QueueConnection): Promise<AcrError | null> {
  try {
    await within(queue.ping(), PATIENCE_MS, 'no answer');
    return null;
  } catch (cause) {
    const detail = 'The queue does not answer, so the board has nothing to show. Try again shortly.';
    return new AcrError('ACR_QUEUE_UNAVAILABLE', detail, { cause });
  }
}
