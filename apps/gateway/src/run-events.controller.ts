import type { Database } from '@acrouter/db/client';
import { FIRST_EVENT, isRunDrained, readRunEvents, type EventCursor } from '@acrouter/db/event-store';
import { readRun } from '@acrouter/db/run-reads';
import { runExists } from '@acrouter/db/run-store';
import { DATABASE, LOGGER } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Door } from './door';
import { finishedFrame, frameOf, HEARTBEAT, parseCursor, RETRY_MS } from './event-stream';
import { invalid, notFound, parseId } from './parse';
import { callerOf } from './tenant';

/** Time between looks at a quiet run, ms: what a watcher's eye does not notice. */
const POLL_MS = 250;
const HEARTBEAT_MS = 15_000;
/** How often a long stream's key is looked at again, ms; docs/keys.md promises it. */
const KEY_CHECK_MS = 2_000;
/** Events per look. */
const PAGE = 500;

/** `GET /v1/runs/:id/events`: everything that happens in a run, from the beginning or after Last-Event-ID. */
@Controller('v1/runs')
export class RunEventsController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly door: Door,
  ) {}

  @Get(':id/events')
  async stream(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param('id') id: unknown,
  ): Promise<void> {
    const { tenantId } = callerOf(request);
    const runId = parseId(id, 'run');
    const { after, sawEnd } = startOf(request);
    if (!(await runExists(this.db, tenantId, runId))) throw notFound('run');
    // 204 is how a server tells EventSource not to come back.
    if (sawEnd && (await isRunDrained(this.db, runId, after))) {
      void reply.status(204).send();
      return;
    }
    reply.hijack();
    const gone = new AbortController();
    const timer = setInterval(() => void this.recheck(request, gone), KEY_CHECK_MS);
    await this.follow(reply.raw, tenantId, runId, after, gone).finally(() => clearInterval(timer));
  }

  /** A key that was revoked or has expired ends its streams too. */
  private async recheck(request: FastifyRequest, gone: AbortController): Promise<void> {
    // While Postgres is away nothing is known, and nothing is sent either.
    if (!(await this.door.stillAdmits(request).catch(() => true))) gone.abort();
  }

  private async follow(
    out: ServerResponse,
    tenantId: string,
    runId: string,
    start: EventCursor,
    gone: AbortController,
  ): Promise<void> {
    out.on('close', () => gone.abort());
    out.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    out.write(`retry: ${RETRY_MS}\n\n`);
    try {
      await this.send(out, tenantId, runId, start, gone.signal);
    } catch (error) {
      // The client comes back with its Last-Event-ID and misses nothing.
      if (!gone.signal.aborted) this.log.warn({ reason: String(error), runId }, 'event stream cut off');
    }
    out.end();
  }

  private async send(
    out: ServerResponse,
    tenantId: string,
    runId: string,
    start: EventCursor,
    gone: AbortSignal,
  ): Promise<void> {
    let after = start;
    let quietSince = Date.now();
    while (!gone.aborted) {
      const events = await readRunEvents(this.db, runId, after, PAGE);
      const last = events.at(-1);
      if (last) {
        after = last.cursor;
        quietSince = Date.now();
        await write(out, events.map(frameOf).join(''), gone);
        continue;
      }
      if (await isRunDrained(this.db, runId, after)) {
        const run = await readRun(this.db, tenantId, runId);
        await write(out, finishedFrame(after, { ...run }, new Date()), gone);
        return;
      }
      if (Date.now() - quietSince >= HEARTBEAT_MS) {
        quietSince = Date.now();
        await write(out, HEARTBEAT, gone);
      }
      await sleep(POLL_MS, undefined, { signal: gone });
    }
  }
}

/** Waits for a slow reader instead of piling up its events. Throws when the reader is gone. */
async function write(out: ServerResponse, text: string, gone: AbortSignal): Promise<void> {
  if (!out.write(text)) await once(out, 'drain', { signal: gone });
}

function startOf(request: FastifyRequest): { after: EventCursor; sawEnd: boolean } {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return { after: FIRST_EVENT, sawEnd: false };
  const cursor = typeof header === 'string' ? parseCursor(header) : null;
  if (cursor) return cursor;
  throw invalid('headers', [
    { path: 'Last-Event-ID', message: 'must be the id of an event of this run; leave it out to start over' },
  ]);
}
