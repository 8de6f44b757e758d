import { DIMENSIONS } from '@acrouter/domain/task';
import { SIGNAL_KINDS } from '@acrouter/domain/verification/signals';
import type { z } from 'zod';

/** One mistake, for a person: where (keys from the root) and what to do about it. */
export interface DescribedIssue {
  path: PropertyKey[];
  text: string;
}

/** Names that are offered when a field is misspelt. */
const FIELDS = [
  ...['models', 'strongest', 'priors', 'id', 'provider', 'model', 'baseUrl', 'apiKeyEnv', 'price', 'limits'],
  ...['inputPerMillion', 'outputPerMillion', 'cachedInputPerMillion', 'reasoningPerMillion'],
  ...['perCallUsd', 'maxCallUsd', 'agent', 'command', 'args', 'env', 'home'],
  ...['concurrency', 'requestsPerMinute', 'timeoutMs', 'maxOutputTokens'],
  ...['verification', 'weights', 'passOpinion', 'judge', 'checkedShare', 'compare', 'consistency', 'samples'],
  ...['default', ...DIMENSIONS, ...SIGNAL_KINDS],
];

/** Says a schema's complaint in plain words, one entry per mistake (zod reports unknown fields in one issue). */
export function describeIssue(issue: z.core.$ZodIssue): DescribedIssue[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        text: `is not a known field${suggestion(key, FIELDS)}`,
      }));
    case 'invalid_value':
      return [{ path: issue.path, text: `must be one of: ${issue.values.map(String).join(', ')}` }];
    case 'invalid_type':
      return [
        {
          path: issue.path,
          text: missing(issue) ? missingText(issue.path) : `must be ${article(issue.expected)}`,
        },
      ];
    default:
      return [{ path: issue.path, text: issue.message }];
  }
}

/** ` (did you mean "x"?)` for the nearest of `known` within two edits or a third of the word, else `''`. */
export function suggestion(word: string, known: readonly string[]): string {
  const distances = known.map((name) => ({ name, d: editDistance(word.toLowerCase(), name.toLowerCase()) }));
  const best = distances.reduce((a, b) => (b.d < a.d ? b : a));
  return best.d <= Math.max(2, Math.floor(word.length / 3)) ? ` (did you mean "${best.name}"?)` : '';
}

const missing = (issue: z.core.$ZodIssue): boolean => / received undefined$/.test(issue.message);

function missingText(path: PropertyKey[]): string {
  return path.at(-1) === 'price'
    ? 'is missing: give "inputPerMillion" and "outputPerMillion" in USD (0 for a model that costs nothing)'
    : 'is missing';
}

const article = (expected: string): string =>
  expected === 'array'
    ? 'a list'
    : expected === 'object' || expected === 'record'
      ? 'a group of fields'
      : `a ${expected}`;

/** Levenshtein distance, two rows. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + change);
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
