import { runTaskQuerySchema, submitRunSchema, submitTasksSchema } from '@acrouter/contracts/http';
import type { Cancelled, RunView, TaskPage } from '@acrouter/contracts/http';
import type { Database } from '@acrouter/db/client';
import { readRun } from '@acrouter/db/run-reads';
import { runExists } from '@acrouter/db/run-store';
import { listTasks } from '@acrouter/db/task-reads';
import { DATABASE } from '@acrouter/service/tokens';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { CancellationsService } from './cancellations.service';
import { IdempotentRequests } from './idempotent.service';
import { invalid, notFound, parse, parseCursor, parseId } from './parse';
import { isDeeperThan, MAX_METADATA_DEPTH, toNewTasks, traceparentOf } from './submission';
import { SubmissionsService } from './submissions.service';
import { callerOf } from './tenant';

@Controller('v1/runs')
export class RunsController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly requests: IdempotentRequests,
    private readonly submissions: SubmissionsService,
    private readonly cancellations: CancellationsService,
  ) {}

  @Post()
  async submit(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const { tasks: specs, ...run } = parse(submitRunSchema, body, 'body');
    if (isDeeperThan(run.metadata, MAX_METADATA_DEPTH))
      throw invalid('body', [{ path: 'metadata', message: `is nested deeper than ${MAX_METADATA_DEPTH}` }]);
    const { tenantId } = callerOf(request);
    const runId = uuidv7();
    const traceparent = traceparentOf(request);
    const tasks = toNewTasks(specs, { tenantId, runId, nowMs: Date.now(), traceparent });
    await this.requests.answer(request, reply, (trx) =>
      this.submissions.submitRun(trx, tenantId, runId, run, tasks),
    );
  }

  @Post(':id/tasks')
  async add(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param('id') id: unknown,
    @Body() body: unknown,
  ): Promise<void> {
    const { tenantId } = callerOf(request);
    const runId = parseId(id, 'run');
    const specs = parse(submitTasksSchema, body, 'body').tasks;
    const traceparent = traceparentOf(request);
    const tasks = toNewTasks(specs, { tenantId, runId, nowMs: Date.now(), traceparent });
    await this.requests.answer(request, reply, (trx) =>
      this.submissions.addToRun(trx, tenantId, runId, tasks),
    );
  }

  @Get(':id')
  async show(@Req() request: FastifyRequest, @Param('id') id: unknown): Promise<RunView> {
    const run = await readRun(this.db, callerOf(request).tenantId, parseId(id, 'run'));
    if (!run) throw notFound('run');
    return run;
  }

  @Get(':id/tasks')
  async tasks(
    @Req() request: FastifyRequest,
    @Param('id') id: unknown,
    @Query() query: unknown,
  ): Promise<TaskPage> {
    const { tenantId } = callerOf(request);
    const runId = parseId(id, 'run');
    const { limit, include, ...q } = parse(runTaskQuerySchema, query, 'query');
    const cursor = parseCursor(q.cursor);
    if (!(await runExists(this.db, tenantId, runId))) throw notFound('run');
    const withAnswers = include === 'answer';
    return listTasks(this.db, tenantId, { runId, order: 'oldest-first', limit, cursor, withAnswers });
  }

  @Post(':id/cancel')
  @HttpCode(202)
  cancel(@Req() request: FastifyRequest, @Param('id') id: unknown): Promise<Cancelled> {
    return this.cancellations.cancelRun(callerOf(request).tenantId, parseId(id, 'run'));
  }
}
