import type { Problem } from '@acrouter/contracts/http';
import { AcrError } from '@acrouter/domain/errors';
import { z } from 'zod';

type Mistake = NonNullable<Problem['errors']>[number];

/** Mistakes told per request; the rest would not be read. */
const MAX_MISTAKES = 50;

/**
 * Parses what a client sent.
 * @throws AcrError ACR_INVALID_REQUEST with `fields.errors`: every mistake with its place.
 */
export function parse<S extends z.ZodType>(schema: S, value: unknown, what: 'body' | 'query'): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(what, parsed.error.issues.flatMap(describe));
}

/** The error of {@link parse}, for mistakes that no schema can find. */
export function invalid(what: 'body' | 'query' | 'headers', mistakes: readonly Mistake[]): AcrError {
  const first = mistakes[0];
  const place = first?.path ? `${first.path} ` : '';
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more, see "errors")` : '';
  const verb = what === 'headers' ? 'are' : 'is';
  return new AcrError(
    'ACR_INVALID_REQUEST',
    `The ${what} ${verb} not valid: ${place}${first?.message ?? 'unknown'}${more}. GET /openapi.json has its form.`,
    { fields: { errors: mistakes.slice(0, MAX_MISTAKES) } },
  );
}

const idSchema = z.string().regex(/^[\w-]{1,64}$/);

/**
 * An id out of a path.
 * @throws AcrError ACR_NOT_FOUND: what cannot be an id names nothing.
 */
export function parseId(value: unknown, what: 'task' | 'run'): string {
  const parsed = idSchema.safeParse(value);
  if (!parsed.success) throw notFound(what);
  return parsed.data;
}

/** As `uuid` makes them (version 7): cursors are ids of tasks. */
const cursorSchema = z.uuidv7().lowercase();

/**
 * The place in a list that a `cursor` names; `undefined` without one. Any well-formed one is taken, since it is a place
 * in time, and the task that stood there may be gone.
 * @throws AcrError ACR_INVALID_REQUEST for what cannot have been a `nextCursor`
 */
export function parseCursor(value: string | undefined): string | undefined {
  if (value === undefined || cursorSchema.safeParse(value).success) return value;
  const message = 'is no cursor; send "nextCursor" of the page before as it is, or none for the first page';
  throw invalid('query', [{ path: 'cursor', message }]);
}

/** `what` does not exist, or belongs to another tenant: the answer is the same. */
export function notFound(what: 'task' | 'run' | 'decision'): AcrError {
  const remedy = what === 'task' ? ' GET /v1/tasks?external_id=… finds tasks by your own names.' : '';
  return new AcrError('ACR_NOT_FOUND', `There is no ${what} with this id.${remedy}`);
}

function describe(issue: z.core.$ZodIssue): Mistake[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: pathText([...issue.path, key]),
      message: 'is not a known field',
    }));
  if (issue.code === 'invalid_value')
    return [
      { path: pathText(issue.path), message: `must be one of: ${issue.values.map(String).join(', ')}` },
    ];
  if (issue.code === 'invalid_type' && / received undefined$/.test(issue.message))
    return [{ path: pathText(issue.path), message: `is missing; it must be a ${issue.expected}` }];
  return [{ path: pathText(issue.path), message: issue.message }];
}

/** `['tasks', 3, 'prompt']` → `tasks[3].prompt`; long keys of the caller's are cut. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((k) => (typeof k === 'number' ? `[${k}]` : `.${String(k).slice(0, 80)}`))
    .join('')
    .replace(/^\./, '');
}
