import { reportQuerySchema } from '@acrouter/contracts/http';
import { offPolicyQuerySchema, type OffPolicyReport } from '@acrouter/contracts/http-off-policy';
import type { Report } from '@acrouter/contracts/http-report';
import { Controller, Get, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parse } from './parse';
import { OffPolicyReportService } from './report-off-policy.service';
import { ReportService } from './report.service';
import { callerOf } from './tenant';

/** `GET /v1/report?run=…&since=…&until=…&dimension=…` */
@Controller('v1/report')
export class ReportController {
  constructor(
    private readonly reports: ReportService,
    private readonly offPolicy: OffPolicyReportService,
  ) {}

  @Get()
  show(@Req() request: FastifyRequest, @Query() query: unknown): Promise<Report> {
    return this.reports.report(callerOf(request).tenantId, parse(reportQuerySchema, query, 'query'));
  }

  /** `?against=POLICY` and the same filters. */
  @Get('off-policy')
  against(@Req() request: FastifyRequest, @Query() query: unknown): Promise<OffPolicyReport> {
    return this.offPolicy.report(callerOf(request).tenantId, parse(offPolicyQuerySchema, query, 'query'));
  }
}
