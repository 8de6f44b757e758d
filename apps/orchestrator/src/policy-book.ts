import type { Env } from '@acrouter/config/env';
import { toPoolModel, type ModelsFile } from '@acrouter/config/models-file';
import { priorFor } from '@acrouter/config/pool-prior';
import type { Database } from '@acrouter/db/client';
import { bytesToVector } from '@acrouter/db/context-store';
import { followExperiences, type ExperienceCursor, type ExperienceRow } from '@acrouter/db/experience-store';
import type { LearningExample, Policy, PolicySetup, Random } from '@acrouter/domain/routing/policy';
import { createPolicy, defaultPolicyName } from '@acrouter/domain/routing/registry';
import { withResampling } from '@acrouter/domain/routing/resample';
import { hash32, seededRandom } from '@acrouter/domain/seeded-random';
import { DEFAULT_LIMITS, type Dimension } from '@acrouter/domain/task';
import { DATABASE, ENV, LOGGER, MODELS } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { PlannedModel } from './planner';

const FOLLOW_MS = 250;
const BATCH = 2_000;

/**
 * One policy per tenant, each a fold over that tenant's experiences in the order of Postgres. Every replica
 * holds its own and follows the table, so all decide alike within a second of any feedback.
 */
@Injectable()
export class PolicyBook implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly models: readonly PlannedModel[];
  readonly attemptPrice: number;
  private readonly setup: PolicySetup;
  private readonly policies = new Map<string, Policy>();
  private readonly simulated: ReadonlyMap<string, boolean>;
  private cursor: ExperienceCursor | null = null;
  private timer: NodeJS.Timeout | null = null;
  private following: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(ENV) private readonly env: Env,
    @Inject(MODELS) pool: ModelsFile,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.models = pool.models.map((m) => ({ ...toPoolModel(m), maxOutputTokens: m.limits.maxOutputTokens }));
    this.attemptPrice = env.ACR_ATTEMPT_PRICE;
    this.simulated = new Map(this.models.map((m) => [m.id, m.simulated]));
    this.setup = {
      models: pool.models.map(toPoolModel),
      prior: priorFor(pool, env.ACR_PRIORS_FILE ?? null),
      strongest: pool.strongest,
      ...(env.ACR_EXPLORATION === undefined ? {} : { exploration: env.ACR_EXPLORATION }),
    };
    this.of('default');
  }

  /** Learns all that is known before the first message is taken. */
  async onApplicationBootstrap(): Promise<void> {
    await this.follow();
    this.timer = setInterval(() => {
      this.following = this.following
        .then(() => this.follow())
        .catch((error: unknown) => this.log.warn({ err: error }, 'cannot follow experiences; will retry'));
    }, FOLLOW_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.following;
  }

  /** The tenant's policy, with all that it has learnt. */
  of(tenantId: string): Policy {
    const known = this.policies.get(tenantId);
    if (known) return known;
    const name = this.env.ACR_POLICY ?? defaultPolicyName({ maxAttempts: DEFAULT_LIMITS.maxAttempts });
    const policy = withResampling(createPolicy(name, this.setup), this.setup);
    this.policies.set(tenantId, policy);
    return policy;
  }

  /** Chance for one decision: repeatable when ACR_SEED is set. */
  random(taskId: string, turn: number): Random {
    return this.env.ACR_SEED === undefined
      ? Math.random
      : seededRandom(hash32(`${this.env.ACR_SEED}/${taskId}/${turn}`));
  }

  private async follow(): Promise<void> {
    for (;;) {
      const { rows, cursor } = await followExperiences(this.db, this.cursor, BATCH);
      for (const row of rows) this.learn(row);
      this.cursor = cursor;
      if (rows.length < BATCH) return;
    }
  }

  /** Experiences of models that left the pool, and simulated ones about real models, teach nothing. */
  private learn(row: ExperienceRow): void {
    if (this.simulated.get(row.model) === row.simulated) this.of(row.tenant_id).learn(toExample(row));
  }
}

function toExample(row: ExperienceRow): LearningExample {
  return {
    taskId: row.task_key,
    model: row.model,
    score: row.score,
    costUsd: row.cost_usd,
    neighbours: [],
    context: {
      dimension: row.dimension as Dimension,
      language: row.language,
      source: row.source,
      difficulty: null,
      features: bytesToVector(row.embedding),
    },
  };
}
