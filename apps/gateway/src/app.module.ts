import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Backlog } from './backlog.service';
import { CancellationsService } from './cancellations.service';
import { Door } from './door';
import { FeedbackController } from './feedback.controller';
import { IdempotentRequests } from './idempotent.service';
import { KeyRing } from './key-ring.service';
import { ModelsController } from './models.controller';
import { OpenapiController } from './openapi.controller';
import { ProblemFilter } from './problem.filter';
import { QueueGauges } from './queue-gauges';
import { ReportController } from './report.controller';
import { ReportGauges } from './report-gauges';
import { SignalGauges } from './signal-gauges';
import { OffPolicyReportService } from './report-off-policy.service';
import { ReportService } from './report.service';
import { RunEventsController } from './run-events.controller';
import { RunsController } from './runs.controller';
import { ScrapeSources } from './scrape-sources.service';
import { SubmissionsService } from './submissions.service';
import { TasksController } from './tasks.controller';

@Module({
  controllers: [
    TasksController,
    RunsController,
    RunEventsController,
    FeedbackController,
    ModelsController,
    ReportController,
    OpenapiController,
  ],
  providers: [
    Door,
    KeyRing,
    Backlog,
    SubmissionsService,
    CancellationsService,
    IdempotentRequests,
    ReportService,
    OffPolicyReportService,
    ScrapeSources,
    ReportGauges,
    SignalGauges,
    QueueGauges,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class AppModule {}
