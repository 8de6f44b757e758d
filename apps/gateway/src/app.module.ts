import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CancellationsService } from './cancellations.service';
import { FeedbackController } from './feedback.controller';
import { IdempotentRequests } from './idempotent.service';
import { ModelsController } from './models.controller';
import { OpenapiController } from './openapi.controller';
import { ProblemFilter } from './problem.filter';
import { RunEventsController } from './run-events.controller';
import { RunsController } from './runs.controller';
import { SubmissionsService } from './submissions.service';
import { TasksController } from './tasks.controller';

@Module({
  controllers: [
    TasksController,
    RunsController,
    RunEventsController,
    FeedbackController,
    ModelsController,
    OpenapiController,
  ],
  providers: [
    SubmissionsService,
    CancellationsService,
    IdempotentRequests,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class AppModule {}
