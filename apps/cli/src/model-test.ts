import type { ModelEntry } from '@acrouter/config/models-file';
import type { Failed } from '@acrouter/models/model-client';
import { createSdkClient } from '@acrouter/models/sdk-client';

/** Whether one model answers, and if not, what to do. */
export interface ModelTest {
  model: string;
  provider: string;
  ok: boolean;
  latencyMs: number | null;
  detail: string;
  remedy: string;
}

const TIMEOUT_MS = 30_000;

/** Asks one model for one word. Never throws. */
export async function testModel(entry: ModelEntry, apiKey: string | null): Promise<ModelTest> {
  const base = { model: entry.id, provider: entry.provider, latencyMs: null };
  if (entry.provider === 'simulated')
    return { ...base, ok: true, detail: 'simulated; nobody is called', remedy: '' };
  if (entry.apiKeyEnv !== null && apiKey === null)
    return {
      ...base,
      ok: false,
      detail: `no key: ${entry.apiKeyEnv} is not set`,
      remedy: `Set the environment variable ${entry.apiKeyEnv} to your key of ${entry.provider}.`,
    };
  const client = createSdkClient(entry, apiKey);
  const request = {
    prompt: 'Reply with the word ok.',
    maxOutputTokens: Math.min(16, entry.limits.maxOutputTokens),
  };
  const result = await client.complete(request, AbortSignal.timeout(TIMEOUT_MS));
  const { latencyMs } = result;
  if (result.kind === 'answered') {
    const usage = result.usage ? '' : '; it reports no token usage, so its cost will be unknown';
    return {
      ...base,
      ok: true,
      latencyMs,
      detail: `answered in ${Math.round(latencyMs)} ms${usage}`,
      remedy: '',
    };
  }
  return { ...base, ok: false, latencyMs, detail: result.message, remedy: remedyFor(entry, result) };
}

function remedyFor(entry: ModelEntry, failed: Failed): string {
  const address = entry.baseUrl ?? `the servers of ${entry.provider}`;
  switch (failed.failure) {
    case 'auth':
      return entry.apiKeyEnv
        ? `The key in ${entry.apiKeyEnv} is wrong or may not use this model. Set ${entry.apiKeyEnv} to a valid key.`
        : 'It wants a key: put it into an environment variable and name that with "apiKeyEnv".';
    case 'connection':
    case 'timeout':
    case 'cancelled':
      return `Nothing usable answers at ${address}. Is the server running, and "baseUrl" right?`;
    case 'refused':
      return `The request was refused. Does ${entry.provider} know the model "${entry.model}"? Set "model" in models.yaml.`;
    case 'rate-limited':
      return 'The key works, but its rate limit or quota is used up. Wait, or raise it with the provider.';
    case 'server-error':
    case 'broken-body':
      return `${address} has a problem of its own; try again later.`;
  }
}
