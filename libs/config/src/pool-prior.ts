import { readFileSync } from 'node:fs';
import type { ModelsFile } from './models-file';
import { AcrError } from '@acrouter/domain/errors';
import type { Prior } from '@acrouter/domain/routing/policy';
import { parsePrior } from '@acrouter/domain/routing/prior';
import { PUBLISHED_PRIOR } from '@acrouter/domain/routing/published-prior';

/**
 * The prior of the pool's models by their ids: from `priorsFile`, else the pool's own file, else the published
 * table. A model is known to a prior under its id or its provider's name. `null` when it knows none of them.
 * Throws ACR_CONFIG_INVALID for a file that cannot be read.
 */
export function priorFor(
  pool: Pick<ModelsFile, 'models' | 'priors'>,
  priorsFile: string | null,
): Prior | null {
  const path = priorsFile ?? pool.priors;
  const prior = path === null ? PUBLISHED_PRIOR : readPrior(path);
  const known = new Set(Object.values(prior.score).flatMap((row) => Object.keys(row)));
  if (!pool.models.some((m) => known.has(m.id) || known.has(m.model))) return null;
  const rename = <T extends Prior['score']>(table: T): T =>
    Object.fromEntries(
      Object.entries(table).map(([dimension, row]) => [
        dimension,
        Object.fromEntries(
          pool.models.flatMap((m) => {
            const value = row[m.id] ?? row[m.model];
            return value === undefined ? [] : [[m.id, value]];
          }),
        ),
      ]),
    ) as T;
  return {
    source: prior.source,
    score: rename(prior.score),
    ...(prior.costUsd ? { costUsd: rename(prior.costUsd) } : {}),
  };
}

function readPrior(path: string): Prior {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `The prior file ${path} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  return parsePrior(parsed, path);
}
