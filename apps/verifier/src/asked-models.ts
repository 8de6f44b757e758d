import { rawEnv } from '@acrouter/config/env';
import { apiKeyOf, type ModelEntry, type ModelsFile } from '@acrouter/config/models-file';
import { AcrError } from '@acrouter/domain/errors';
import { createSdkClient } from '@acrouter/models/sdk-client';
import type { ModelClient } from '@acrouter/models/model-client';
import { MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';

/** The models that checks may ask: those that the section `verification` of models.yaml names, and no other. */
@Injectable()
export class AskedModels {
  private readonly models: ReadonlyMap<string, { entry: ModelEntry; client: ModelClient }>;

  /** @throws AcrError ACR_CONFIG_INVALID when the key of one of them is not in the environment. */
  constructor(@Inject(MODELS) pool: Pick<ModelsFile, 'models' | 'verification'>) {
    const { judge, consistency } = pool.verification;
    const wanted = new Set([judge?.model, consistency?.model]);
    const entries = pool.models.filter((m) => wanted.has(m.id));
    this.models = new Map(entries.map((entry) => [entry.id, { entry, client: open(entry) }]));
  }

  /** @throws AcrError ACR_UNKNOWN_MODEL for a model that checks may not ask. */
  get(id: string): { entry: ModelEntry; client: ModelClient } {
    const model = this.models.get(id);
    if (!model) throw new AcrError('ACR_UNKNOWN_MODEL', `Model ${id} is not one that checks may ask.`);
    return model;
  }
}

function open(entry: ModelEntry): ModelClient {
  const key = apiKeyOf(entry, rawEnv());
  if (entry.apiKeyEnv !== null && !key)
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `The verifier asks ${entry.id} and needs its key: set the environment variable ${entry.apiKeyEnv} for the verifier too.`,
    );
  return createSdkClient(entry, key);
}
