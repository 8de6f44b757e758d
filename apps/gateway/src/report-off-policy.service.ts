import { setImmediate } from 'node:timers/promises';
import type { Env } from '@acrouter/config/env';
import { toPoolModel, type ModelsFile } from '@acrouter/config/models-file';
import { priorFor } from '@acrouter/config/pool-prior';
import type { OffPolicyQuery, OffPolicyReport } from '@acrouter/contracts/http-off-policy';
import type { Database } from '@acrouter/db/client';
import { readFirstDecisions } from '@acrouter/db/off-policy-reads';
import { runExists } from '@acrouter/db/run-store';
import { concludeOffPolicy, OffPolicyLog } from '@acrouter/domain/routing/off-policy-log';
import type { Policy, PolicySetup } from '@acrouter/domain/routing/policy';
import { createPolicy, POLICIES } from '@acrouter/domain/routing/registry';
import { DATABASE, ENV, MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { invalid, notFound } from './parse';
import { toScope } from './report.service';

/** First decisions behind one comparison: seconds of arithmetic, spread over the event loop. */
const MAX_DECISIONS = 10_000;
/** Decisions between two turns of the event loop: a few milliseconds of arithmetic. */
const TURN = 100;
const ALWAYS = 'always:';

/** "What would another policy have scored and cost?", from the probabilities logged with each first decision. */
@Injectable()
export class OffPolicyReportService {
  private readonly setup: PolicySetup;

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(MODELS) pool: ModelsFile,
    @Inject(ENV) env: Env,
  ) {
    this.setup = {
      models: pool.models.map(toPoolModel),
      prior: priorFor(pool, env.ACR_PRIORS_FILE ?? null),
      strongest: pool.strongest,
      exploration: 0,
    };
  }

  /**
   * Asks the policy what it would have done on each task, letting it learn from the log as it goes.
   * @throws AcrError ACR_INVALID_REQUEST for a policy that is not there, ACR_NOT_FOUND for another tenant's run
   */
  async report(tenantId: string, query: OffPolicyQuery): Promise<OffPolicyReport> {
    const scope = toScope(tenantId, query);
    const log = new OffPolicyLog(this.policy(query.against));
    if (scope.runId !== null && !(await runExists(this.db, tenantId, scope.runId))) throw notFound('run');
    for await (const page of readFirstDecisions(this.db, scope, MAX_DECISIONS)) {
      for (const [i, decision] of page.entries()) {
        if (i % TURN === TURN - 1) await setImmediate();
        log.add(decision);
      }
    }
    const { decisions, agreement, outcomes } = log.result();
    const judged = outcomes.firstScore.samples + outcomes.firstScore.unsupported;
    return {
      against: query.against,
      scope: {
        run: scope.runId,
        since: scope.since?.toISOString() ?? null,
        until: scope.until?.toISOString() ?? null,
        dimension: scope.dimension,
      },
      decisions,
      agreement,
      supportShare: judged === 0 ? null : outcomes.firstScore.samples / judged,
      outcomes,
      conclusion: concludeOffPolicy(query.against, outcomes.firstScore),
    };
  }

  /** The policy of that name; a model's id for policies that use one model for everything. */
  private policy(name: string): Policy | string {
    if (name === 'strongest') return this.setup.strongest;
    const models = this.setup.models.map((m) => m.id);
    // What asks an LLM cannot be asked again about the past.
    const known = POLICIES.map((p) => p.name).filter((n) => !n.startsWith('llm-'));
    if (known.includes(name)) return createPolicy(name, this.setup);
    const model = models.find((id) => name === ALWAYS + id);
    if (model !== undefined) return model;
    const message = `must be one of ${known.join(', ')}, or ${ALWAYS}MODEL with one of ${models.join(', ')}`;
    throw invalid('query', [{ path: 'against', message }]);
  }
}
