import type { AgentSettings } from '@acrouter/config/agent-entry';
import { rawEnv } from '@acrouter/config/env';
import type { ModelEntry } from '@acrouter/config/models-file';
import { createAgentClient } from '@acrouter/models/agent-client';
import { findAgentCommand, missingAgent } from '@acrouter/models/agent-command';
import type { CompletionResult, Failed } from '@acrouter/models/model-client';
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
/** An agent starts up, reads and thinks before it says a word. */
const AGENT_TIMEOUT_MS = 120_000;

/** Whether an agent's program and variables are there, without running it. */
export function testAgentPresence(entry: ModelEntry, agent: AgentSettings): ModelTest {
  const base = { model: entry.id, provider: entry.provider, latencyMs: null };
  const absent = missingAgent(agent);
  if (absent !== null)
    return { ...base, ok: false, detail: `${agent.command} cannot be run`, remedy: absent };
  const missing = agent.env.filter((name) => !rawEnv()[name]);
  if (missing.length > 0)
    return {
      ...base,
      ok: false,
      detail: `${missing.join(', ')} not set`,
      remedy: `Set ${missing.join(', ')}, or take the name out of "env" in models.yaml.`,
    };
  return { ...base, ok: true, detail: `${findAgentCommand(agent.command)} is there, not run`, remedy: '' };
}

async function testAgent(entry: ModelEntry, agent: AgentSettings): Promise<ModelTest> {
  const presence = testAgentPresence(entry, agent);
  if (!presence.ok) return presence;
  const request = { prompt: 'Reply with the word ok. Write no file.', maxOutputTokens: 16 };
  const signal = AbortSignal.timeout(AGENT_TIMEOUT_MS);
  const result = await createAgentClient(entry, agent).complete(request, signal);
  if (result.kind === 'failed')
    return {
      ...presence,
      ok: false,
      latencyMs: result.latencyMs,
      detail: result.message,
      remedy: `Run ${agent.command} by hand with the same variables; docs/models.md has the arguments it gets.`,
    };
  const unknown = result.costUsd === null || (result.costUsd === undefined && result.usage === null);
  return answered(presence, result, unknown ? '; it tells no cost, so its calls will be unknown' : '');
}

const answered = (base: ModelTest, { latencyMs }: CompletionResult, note: string): ModelTest => ({
  ...base,
  ok: true,
  latencyMs,
  detail: `answered in ${Math.round(latencyMs)} ms${note}`,
  remedy: '',
});

/** Asks one model for one word. Never throws. */
export async function testModel(entry: ModelEntry, apiKey: string | null): Promise<ModelTest> {
  const base = {
    model: entry.id,
    provider: entry.provider,
    ok: false,
    latencyMs: null,
    detail: '',
    remedy: '',
  };
  if (entry.agent) return testAgent(entry, entry.agent);
  if (entry.provider === 'simulated') return { ...base, ok: true, detail: 'simulated; nobody is called' };
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
    return answered(base, result, usage);
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
