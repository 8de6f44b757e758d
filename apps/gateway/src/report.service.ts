import type { Env } from '@acrouter/config/env';
import type { ModelsFile } from '@acrouter/config/models-file';
import { priorFor } from '@acrouter/config/pool-prior';
import type { ReportQuery } from '@acrouter/contracts/http';
import type { Report } from '@acrouter/contracts/http-report';
import type { Database } from '@acrouter/db/client';
import { readDeletedSums } from '@acrouter/db/deleted-sums';
import { readPairs } from '@acrouter/db/opinion-store';
import {
  readDimensions,
  readLatencies,
  readModelReports,
  readReportTasks,
  readTotals,
  type ReportScope,
} from '@acrouter/db/report-store';
import { runExists } from '@acrouter/db/run-store';
import { estimateRegret } from '@acrouter/domain/regret';
import { compareWithStrongest, type ReportTask } from '@acrouter/domain/report';
import type { Prior } from '@acrouter/domain/routing/policy';
import { seededRandom } from '@acrouter/domain/seeded-random';
import { calibrationTable, type CalibrationLine } from '@acrouter/domain/verification/calibration';
import { BELIEVED_RELIABILITY } from '@acrouter/domain/verification/score';
import { DATABASE, ENV, MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { notFound } from './parse';

/** Settled tasks behind the estimates: a tenth of a second of arithmetic, and intervals of about 1 %. */
const MAX_ESTIMATED = 5_000;
/** Of the bootstrap: the same tasks give the same intervals. */
const SEED = 260_622_902;

/** Puts the report together: facts from Postgres, estimates from the domain. */
@Injectable()
export class ReportService {
  private readonly prior: Prior | null;

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(MODELS) private readonly pool: ModelsFile,
    @Inject(ENV) env: Env,
  ) {
    this.prior = priorFor(pool, env.ACR_PRIORS_FILE ?? null);
  }

  /** @throws AcrError ACR_NOT_FOUND for a run that this tenant does not have */
  async report(tenantId: string, query: ReportQuery): Promise<Report> {
    const scope = toScope(tenantId, query);
    if (scope.runId !== null && !(await runExists(this.db, tenantId, scope.runId))) throw notFound('run');
    const ofAll = scope.runId === null && scope.dimension === null;
    const [totals, models, dimensions, latencyMs, tasks, pairs, deleted] = await Promise.all([
      readTotals(this.db, scope),
      readModelReports(this.db, scope),
      readDimensions(this.db, scope),
      readLatencies(this.db, scope),
      readReportTasks(this.db, scope, MAX_ESTIMATED),
      readPairs(this.db, tenantId),
      ofAll ? readDeletedSums(this.db, { ...scope, tenantId }) : null,
    ]);
    return {
      scope: {
        run: scope.runId,
        since: scope.since?.toISOString() ?? null,
        until: scope.until?.toISOString() ?? null,
        dimension: scope.dimension,
      },
      generatedAt: new Date().toISOString(),
      ...totals,
      deleted,
      models,
      dimensions,
      strongest: this.compare(tasks),
      regret: this.regret(tasks),
      latencyMs,
      calibration: calibrationTable(pairs, BELIEVED_RELIABILITY).map(toCalibrationView),
      estimatedFromTasks: tasks.length,
    };
  }

  /** The report's two estimates alone, over everything of all tenants. */
  async estimates(): Promise<Pick<Report, 'strongest' | 'regret'>> {
    const tasks = await readReportTasks(this.db, toScope(null, {}), MAX_ESTIMATED);
    return { strongest: this.compare(tasks), regret: this.regret(tasks) };
  }

  private regret(tasks: readonly ReportTask[]): Report['regret'] {
    return estimateRegret(tasks, { prior: this.prior, random: seededRandom(SEED) });
  }

  private compare(tasks: readonly ReportTask[]): Report['strongest'] {
    const strongest = this.pool.models.find((m) => m.id === this.pool.strongest);
    if (!strongest) return null;
    const { id: model, price } = strongest;
    const comparison = compareWithStrongest(tasks, {
      model,
      price,
      prior: this.prior,
      random: seededRandom(SEED),
    });
    return comparison && { model, ...comparison };
  }
}

function toCalibrationView({ kind, curve: _, ...line }: CalibrationLine): Report['calibration'][number] {
  return { signal: kind, ...line };
}

/** The tasks that a report is asked for; `null` tenant: all. */
export function toScope(tenantId: string | null, query: ReportQuery): ReportScope {
  return {
    tenantId,
    runId: query.run ?? null,
    since: query.since === undefined ? null : new Date(query.since),
    until: query.until === undefined ? null : new Date(query.until),
    dimension: query.dimension ?? null,
  };
}
