import { AcrError } from '../errors';
import { DIMENSIONS, isDimension } from '../task';
import type { Dimension } from '../task';
import type { Prior } from './policy';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseTable(
  value: unknown,
  field: string,
  isValid: (n: number) => boolean,
): Partial<Record<Dimension, Record<string, number>>> {
  if (!isRecord(value)) throw invalid(`"${field}" must be an object: dimension → model → number`);
  const table: Partial<Record<Dimension, Record<string, number>>> = {};
  for (const [dimension, row] of Object.entries(value)) {
    if (!isDimension(dimension)) {
      throw invalid(`"${field}.${dimension}" is no dimension; known are ${DIMENSIONS.join(', ')}`);
    }
    if (!isRecord(row)) throw invalid(`"${field}.${dimension}" must be an object: model → number`);
    const parsed: Record<string, number> = {};
    for (const [model, number] of Object.entries(row)) {
      if (typeof number !== 'number' || !isValid(number)) {
        throw invalid(`"${field}.${dimension}.${model}" is out of range: ${String(number)}`);
      }
      parsed[model] = number;
    }
    table[dimension] = parsed;
  }
  return table;
}

const invalid = (detail: string) => new AcrError('ACR_CONFIG_INVALID', `Prior: ${detail}.`);

/**
 * Checks a prior read from a user's JSON file: `{"source"?, "score": {dimension: {model: 0..1}},
 * "costUsd"?: {dimension: {model: ≥ 0}}}`. Missing entries mean "unknown".
 * @throws AcrError ACR_CONFIG_INVALID naming the entry that is wrong.
 */
export function parsePrior(value: unknown, source = 'user prior'): Prior {
  if (!isRecord(value)) throw invalid('the file must hold an object');
  const prior: Prior = {
    source: typeof value['source'] === 'string' ? value['source'] : source,
    score: parseTable(value['score'], 'score', (n) => n >= 0 && n <= 1),
  };
  if (value['costUsd'] !== undefined) {
    prior.costUsd = parseTable(value['costUsd'], 'costUsd', (n) => n >= 0 && Number.isFinite(n));
  }
  return prior;
}

/** Prior mean score of a model in a dimension, in [0, 1], or `null` when the prior does not say. */
export function priorScore(prior: Prior | null, dimension: Dimension, model: string): number | null {
  return prior?.score[dimension]?.[model] ?? null;
}

/** Prior cost of one attempt in USD, or `null` when the prior does not say. */
export function priorCost(prior: Prior | null, dimension: Dimension, model: string): number | null {
  return prior?.costUsd?.[dimension]?.[model] ?? null;
}

/** Mean of a prior's row: what an unlisted model is thought to score. 0.5 when the row is empty. */
export function priorMean(prior: Prior | null, dimension: Dimension): number {
  const row = Object.values(prior?.score[dimension] ?? {});
  return row.length === 0 ? 0.5 : row.reduce((sum, score) => sum + score, 0) / row.length;
}

/** Mean over the dimensions of each model's prior scores; models that the prior does not list are absent. */
export function overallLevels(prior: Prior | null): Map<string, number> {
  const sums = new Map<string, { n: number; sum: number }>();
  for (const row of Object.values(prior?.score ?? {})) {
    for (const [model, score] of Object.entries(row)) {
      const { n, sum } = sums.get(model) ?? { n: 0, sum: 0 };
      sums.set(model, { n: n + 1, sum: sum + score });
    }
  }
  return new Map([...sums].map(([model, { n, sum }]) => [model, sum / n]));
}
