import type { ModelEntry } from '@acrouter/config/models-file';
import { createAgentClient } from './agent-client';
import type { ModelClient } from './model-client';
import { createSdkClient } from './sdk-client';
import type { SimulatedPool } from './simulated-pool';

/**
 * The client for one entry of the pool.
 * @param apiKey from `apiKeyOf(entry, env)`; `null` where the provider wants none.
 * @param simulated asked for only when the entry is simulated, so that the example tasks are read only then.
 */
export function createModelClient(
  entry: ModelEntry,
  apiKey: string | null,
  simulated: () => SimulatedPool,
): ModelClient {
  if (entry.agent) return createAgentClient(entry, entry.agent);
  return entry.provider === 'simulated' ? simulated().client(entry.model) : createSdkClient(entry, apiKey);
}
