import { rawEnv, type Env } from '@acrouter/config/env';
import { apiKeyOf, type ModelEntry, type ModelsFile } from '@acrouter/config/models-file';
import { AcrError } from '@acrouter/domain/errors';
import { hash32 } from '@acrouter/domain/seeded-random';
import { createModelClient } from '@acrouter/models/create-client';
import { readExampleBundle } from '@acrouter/models/example-bundle';
import type { ModelClient } from '@acrouter/models/model-client';
import { createSimulatedPool, type SimulatedPool } from '@acrouter/models/simulated-pool';
import { ENV, MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';

/** A model of the pool with its client. */
export interface CallableModel {
  entry: ModelEntry;
  client: ModelClient;
}

/** The clients of all models in the pool, made once. */
@Injectable()
export class ModelClients {
  private readonly models: ReadonlyMap<string, CallableModel>;

  constructor(@Inject(MODELS) pool: ModelsFile, @Inject(ENV) env: Env) {
    let simulated: SimulatedPool | null = null;
    const seed = env.ACR_SEED === undefined ? undefined : hash32(env.ACR_SEED);
    const pooled = () => (simulated ??= createSimulatedPool({ tasks: readExampleBundle(), seed }));
    this.models = new Map(
      pool.models.map((entry) => {
        const client = createModelClient(entry, apiKeyOf(entry, rawEnv()), pooled);
        return [entry.id, { entry, client }];
      }),
    );
  }

  /** @throws AcrError ACR_UNKNOWN_MODEL for a model that is not in the pool (any more). */
  get(id: string): CallableModel {
    const model = this.models.get(id);
    if (!model)
      throw new AcrError('ACR_UNKNOWN_MODEL', `Model ${id} is not in the pool: add it to models.yaml again.`);
    return model;
  }
}
