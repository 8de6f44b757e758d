import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { PoolModel } from '@acrouter/domain/task';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { complete, entryMistakes, entrySchema, type ModelEntry } from './model-entry';
import { describeIssue } from './schema-issues';
import {
  verificationOf,
  verificationProblems,
  verificationSchema,
  type VerificationSettings,
} from './verification-section';

export type { ModelEntry, Provider } from './model-entry';

const fileSchema = z.strictObject({
  models: z.array(entrySchema).min(1),
  strongest: z.string().optional(),
  priors: z.string().min(1).optional(),
  verification: verificationSchema.optional(),
});

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
  const unfit = parsed.data.models.flatMap((entry, i) =>
    entryMistakes(entry).map(([field, text]) => `${place(['models', i, ...field.split('.')])} ${text}`),
  );
  if (unfit.length > 0) throw invalid(path, unfit);
  const models = parsed.data.models.map((entry) => complete(entry, dirname(resolve(path))));
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
    for (const name of m.agent?.env ?? [])
      if (env !== null && !env[name])
        problems.push(`${place(['models', i, 'env'])} names ${name}, which is not set in the environment`);
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
