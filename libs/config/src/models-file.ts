import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { PoolModel, Price } from '@acrouter/domain/task';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import {
  agentFields,
  agentMistakes,
  agentOf,
  agentPrice,
  agentPriceFields,
  type AgentSettings,
} from './agent-entry';
import { describeIssue } from './schema-issues';
import {
  verificationOf,
  verificationProblems,
  verificationSchema,
  type VerificationSettings,
} from './verification-section';

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
  inputPerMillion: usdPerMillion,
  outputPerMillion: usdPerMillion,
  cachedInputPerMillion: usdPerMillion.optional(),
  reasoningPerMillion: usdPerMillion.optional(),
});

const limitsSchema = z.strictObject({
  concurrency: z.number().int().min(1).max(1_000).default(8),
  requestsPerMinute: z.number().int().min(1).max(1_000_000).nullable().default(null),
  // Node's HTTP client gives up on a silent server after 300 s, whatever is asked for here.
  timeoutMs: z.number().int().min(100).max(300_000).default(120_000),
  maxOutputTokens: z.number().int().min(1).max(1_000_000).default(4_096),
});

const entrySchema = z.strictObject({
  id: z.string().regex(/^[\w.:/@-]{1,100}$/, 'may hold letters, digits and . _ : / @ - only'),
  provider: z.enum(PROVIDERS),
  model: z.string().min(1).optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'is the NAME of an environment variable, never the key itself')
    .optional(),
  price: priceSchema,
  limits: limitsSchema.prefault({}),
});

const fileSchema = z.strictObject({
  models: z.array(entrySchema).min(1),
  strongest: z.string().optional(),
  priors: z.string().min(1).optional(),
  verification: verificationSchema.optional(),
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
}

export interface ModelsFile {
  path: string;
  models: ModelEntry[];
  /** Id of the model that savings are measured against. Default: the one with the highest output price. */
  strongest: string;
  /** Absolute path of a prior file, or `null`: the published table. */
  priors: string | null;
  verification: VerificationSettings;
}

/** Path of the simulated pool that ships: eight models at published prices, answering the example tasks only. */
export const SIMULATED_MODELS_PATH = join(__dirname, 'simulated-models.yaml');

/**
 * Reads `models.yaml`. `path: null` = the simulated pool that ships.
 * @param env variables that hold the keys, only looked at for presence; `null` = do not ask for keys (a process
 *   that calls no model need not have them).
 * @throws AcrError ACR_CONFIG_INVALID: every mistake, each with its line, its place and its remedy.
 */
export function readModelsFile(
  path: string | null,
  env: Readonly<Record<string, string | undefined>> | null,
): ModelsFile {
  const file = path ?? SIMULATED_MODELS_PATH;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `${file}: cannot be read. Write one with "acr init", or name another with --models FILE.`,
      { cause },
    );
  }
  return parseModelsFile(text, file, env);
}

/** As {@link readModelsFile}, from text. `path` is for messages and for relative names inside. */
export function parseModelsFile(
  text: string,
  path: string,
  env: Readonly<Record<string, string | undefined>> | null,
): ModelsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (keys: PropertyKey[]) => `${path}:${lineOf(document, lines, keys)}: ${pathText(keys)}`;
  if (document.errors.length > 0)
    throw invalid(
      path,
      document.errors.map((e) => `${path}: ${e.message.trim()}`),
    );
  const parsed = fileSchema.safeParse(document.toJS());
  if (!parsed.success)
    throw invalid(
      path,
      parsed.error.issues.flatMap((i) => describeIssue(i)).map((i) => `${place(i.path)} ${i.text}`),
    );
  const models = parsed.data.models.map(complete);
  const problems = [
    ...checkModels(models, place, env),
    ...checkStrongest(parsed.data.strongest, models, place),
    ...verificationProblems(parsed.data.verification, models).map((p) => `${place(p.path)} ${p.text}`),
  ];
  if (problems.length > 0) throw invalid(path, problems);
  return {
    path,
    models,
    strongest: parsed.data.strongest ?? dearest(models).id,
    priors: parsed.data.priors ? resolve(dirname(path), parsed.data.priors) : null,
    verification: verificationOf(parsed.data.verification),
  };
}

/** The pool as routing sees it. */
export function toPoolModel(entry: ModelEntry): PoolModel {
  return { id: entry.id, price: entry.price, simulated: entry.provider === 'simulated' };
}

/** The key of a model, or `null` where it needs none. `readModelsFile` has made sure that it is there. */
export function apiKeyOf(
  entry: ModelEntry,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  return entry.apiKeyEnv === null ? null : (env[entry.apiKeyEnv] ?? null);
}

function complete(entry: z.output<typeof entrySchema>): ModelEntry {
  return {
    ...entry,
    model: entry.model ?? entry.id.slice(entry.id.lastIndexOf('/') + 1),
    baseUrl: entry.baseUrl ?? null,
    apiKeyEnv: entry.apiKeyEnv ?? DEFAULT_KEY_ENV[entry.provider] ?? null,
  };
}

type Place = (keys: PropertyKey[]) => string;

function checkModels(
  models: ModelEntry[],
  place: Place,
  env: Readonly<Record<string, string | undefined>> | null,
): string[] {
  const problems: string[] = [];
  const firstAt = new Map<string, number>();
  models.forEach((m, i) => {
    const twin = firstAt.get(m.id);
    if (twin === undefined) firstAt.set(m.id, i);
    else
      problems.push(
        `${place(['models', i, 'id'])} "${m.id}" is taken by models[${twin}]; give each model its own id`,
      );
    if (m.provider === 'openai-compatible' && m.baseUrl === null)
      problems.push(`${place(['models', i])} needs "baseUrl", for example http://127.0.0.1:11434/v1`);
    if (env !== null && m.apiKeyEnv !== null && !env[m.apiKeyEnv])
      problems.push(
        `${place(['models', i])} needs its key: set the environment variable ${m.apiKeyEnv}, or name another with "apiKeyEnv"`,
      );
  });
  return problems;
}

function checkStrongest(strongest: string | undefined, models: ModelEntry[], place: Place): string[] {
  if (strongest === undefined || models.some((m) => m.id === strongest)) return [];
  return [
    `${place(['strongest'])} "${strongest}" is not in the pool; one of: ${models.map((m) => m.id).join(', ')}`,
  ];
}

const dearest = (models: ModelEntry[]): ModelEntry =>
  models.reduce((a, b) => (b.price.outputPerMillion > a.price.outputPerMillion ? b : a));

function invalid(path: string, problems: string[]): AcrError {
  const head = problems.length === 1 ? '' : `${path} has ${problems.length} mistakes:\n`;
  return new AcrError('ACR_CONFIG_INVALID', head + problems.join('\n'), { fields: { path, problems } });
}

/** Line of the nearest existing node on the way to `keys`, from 1. */
function lineOf(document: Document, lines: LineCounter, keys: PropertyKey[]): number {
  for (let depth = keys.length; depth > 0; depth--) {
    const node: unknown = document.getIn(keys.slice(0, depth), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
}

const pathText = (keys: PropertyKey[]): string =>
  keys
    .map((k) => (typeof k === 'number' ? `[${k}]` : `.${String(k)}`))
    .join('')
    .replace(/^\./, '') || 'the file';
