import type { Price } from '@acrouter/domain/task';
import { z } from 'zod';
import {
  agentFields,
  agentMistakes,
  agentOf,
  agentPrice,
  agentPriceFields,
  type AgentSettings,
} from './agent-entry';

/**
 * Who answers. `openai-compatible` is any server that speaks `POST {baseUrl}/chat/completions`; `cli` is a coding
 * agent on this machine.
 */
const PROVIDERS = ['openai', 'anthropic', 'google', 'openai-compatible', 'cli', 'simulated'] as const;
export type Provider = (typeof PROVIDERS)[number];

const DEFAULT_KEY_ENV: Partial<Record<Provider, string>> = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
};

const usdPerMillion = z.number().min(0).max(100_000);
const priceSchema = z.strictObject({
  inputPerMillion: usdPerMillion.optional(),
  outputPerMillion: usdPerMillion.optional(),
  cachedInputPerMillion: usdPerMillion.optional(),
  reasoningPerMillion: usdPerMillion.optional(),
  ...agentPriceFields,
});

/**
 * Node's HTTP client gives up on a silent server after 300 s, whatever is asked for; an agent must have ended before
 * the queue takes its message back (15 min).
 */
const MAX_TIMEOUT_MS = { http: 300_000, agent: 840_000 };
/** An agent is a program with a model behind it: fewer at once, and minutes rather than seconds. */
const DEFAULT_LIMITS = {
  http: { concurrency: 8, timeoutMs: 120_000 },
  agent: { concurrency: 2, timeoutMs: 600_000 },
};

const limitsSchema = z.strictObject({
  concurrency: z.number().int().min(1).max(1_000).optional(),
  requestsPerMinute: z.number().int().min(1).max(1_000_000).nullable().default(null),
  timeoutMs: z.number().int().min(100).max(MAX_TIMEOUT_MS.agent).optional(),
  maxOutputTokens: z.number().int().min(1).max(1_000_000).default(4_096),
});

/** One model as written in models.yaml. */
export const entrySchema = z.strictObject({
  id: z.string().regex(/^[\w.:/@-]{1,100}$/, 'may hold letters, digits and . _ : / @ - only'),
  provider: z.enum(PROVIDERS),
  model: z.string().min(1).optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'is the NAME of an environment variable, never the key itself')
    .optional(),
  ...agentFields,
  price: priceSchema,
  limits: limitsSchema.prefault({}),
});

/**
 * What bounds the calls to one model. `requestsPerMinute: null` = unlimited. Defaults: 8, null, 120,000 ms, 4,096;
 * for an agent 2 at once and 600,000 ms.
 */
export interface ModelLimits {
  concurrency: number;
  requestsPerMinute: number | null;
  timeoutMs: number;
  maxOutputTokens: number;
}

/** One model of the pool, complete. Holds the name of its key's variable, never the key. */
export interface ModelEntry {
  id: string;
  provider: Provider;
  /** The provider's name of the model; also the name under which priors know it. Default: the id's last part. */
  model: string;
  baseUrl: string | null;
  /** `null`: the provider is called without a key (a local server, or the simulated pool). */
  apiKeyEnv: string | null;
  price: Price;
  limits: ModelLimits;
  /** Set exactly when the provider is `cli`. */
  agent?: AgentSettings;
}

type Entry = z.output<typeof entrySchema>;

/** What its provider makes wrong about an entry: field → what to do about it. */
export function entryMistakes(entry: Entry): [field: string, text: string][] {
  const { timeoutMs = 0 } = entry.limits;
  const tooLong = entry.provider !== 'cli' && timeoutMs > MAX_TIMEOUT_MS.http;
  const limit: [string, string][] = tooLong
    ? [['limits.timeoutMs', `may be at most ${MAX_TIMEOUT_MS.http}`]]
    : [];
  return [...agentMistakes(entry), ...limit];
}

/** An entry without mistakes, with its defaults. @param folder of models.yaml */
export function complete(entry: Entry, folder: string): ModelEntry {
  const { id, provider, price } = entry;
  const isAgent = provider === 'cli';
  return {
    id,
    provider,
    model: entry.model ?? id.slice(id.lastIndexOf('/') + 1),
    baseUrl: entry.baseUrl ?? null,
    apiKeyEnv: entry.apiKeyEnv ?? DEFAULT_KEY_ENV[provider] ?? null,
    price: isAgent ? agentPrice(price) : (price as Price),
    limits: {
      ...entry.limits,
      concurrency: entry.limits.concurrency ?? DEFAULT_LIMITS[isAgent ? 'agent' : 'http'].concurrency,
      timeoutMs: entry.limits.timeoutMs ?? DEFAULT_LIMITS[isAgent ? 'agent' : 'http'].timeoutMs,
    },
    ...(isAgent ? { agent: agentOf(entry, folder) } : {}),
  };
}
