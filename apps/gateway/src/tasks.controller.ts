import { submitTasksSchema, taskQuerySchema } from '@acrouter/contracts/http';
import type { Cancelled, Explanation, TaskPage, TaskView } from '@acrouter/contracts/http';
import { taskSpecSchema } from '@acrouter/contracts/task-file';
import type { Database } from '@acrouter/db/client';
import { explainTask } from '@acrouter/db/explain-reads';
import { runExists } from '@acrouter/db/run-store';
import { listTasks, readTask } from '@acrouter/db/task-reads';
import { DATABASE } from '@acrouter/service/tokens';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CancellationsService } from './cancellations.service';
import { IdempotentRequests } from './idempotent.service';
import { notFound, parse, parseCursor, parseId } from './parse';
import { toNewTasks, traceparentOf } from './submission';
import { SubmissionsService } from './submissions.service';
import { callerOf } from './tenant';

@Controller('v1/tasks')
export class TasksController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly requests: IdempotentRequests,
    private readonly submissions: SubmissionsService,
    private readonly cancellations: CancellationsService,
  ) {}

  /** One TaskSpec, or `{tasks: [...]}`. */
  @Post()
  async submit(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const isList = typeof body === 'object' && body !== null && 'tasks' in body;
    const specs = isList
      ? parse(submitTasksSchema, body, 'body').tasks
      : [parse(taskSpecSchema, body, 'body')];
    const tasks = toNewTasks(specs, {
      tenantId: callerOf(request).tenantId,
      runId: null,
      nowMs: Date.now(),
      traceparent: traceparentOf(request),
    });
    await this.requests.answer(request, reply, (trx) => this.submissions.submitTasks(trx, tasks, !isList));
  }

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<TaskPage> {
    const q = parse(taskQuerySchema, query, 'query');
    const cursor = parseCursor(q.cursor);
    const { tenantId } = callerOf(request);
    if (q.run !== undefined && !(await runExists(this.db, tenantId, q.run))) throw notFound('run');
    return listTasks(this.db, tenantId, {
      externalId: q.external_id,
      runId: q.run,
      settled: q.status === undefined ? undefined : q.status === 'settled',
      order: 'newest-first',
      limit: q.limit,
      cursor,
      withAnswers: q.include === 'answer',
    });
  }

  @Get(':id')
  async show(@Req() request: FastifyRequest, @Param('id') id: unknown): Promise<TaskView> {
    const task = await readTask(this.db, callerOf(request).tenantId, parseId(id, 'task'));
    if (!task) throw notFound('task');
    return task;
  }

  @Get(':id/explain')
  async explain(@Req() request: FastifyRequest, @Param('id') id: unknown): Promise<Explanation> {
    const explanation = await explainTask(this.db, callerOf(request).tenantId, parseId(id, 'task'));
    if (!explanation) throw notFound('task');
    return explanation;
  }

  @Post(':id/cancel')
  @HttpCode(202)
  cancel(@Req() request: FastifyRequest, @Param('id') id: unknown): Promise<Cancelled> {
    return this.cancellations.cancelTask(callerOf(request).tenantId, parseId(id, 'task'));
  }
}
