import type { TaskSpec } from '@acrouter/contracts/task-file';
import { text } from '@acrouter/db/postgres-text';
import type { NewTask } from '@acrouter/db/task-store';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { formatTraceparent, nextSpan, parseTraceparent } from '@acrouter/queue/trace';
import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { invalid } from './parse';

/** Deepest nesting of `metadata`; Postgres and every reader after us recurse into it. */
export const MAX_METADATA_DEPTH = 32;

/** What all tasks of one request have in common. */
export interface SubmissionContext {
  tenantId: string;
  runId: string | null;
  nowMs: number;
  /** The request's traceparent header, if it had one; without, each task gets a trace of its own. */
  traceparent: string | undefined;
}

/** The tasks to store for the specs of one request, in its order. Ids sort by time of submission. */
export function toNewTasks(specs: readonly TaskSpec[], context: SubmissionContext): NewTask[] {
  refuseDeepMetadata(specs);
  return specs.map((spec) => ({
    id: uuidv7(),
    tenantId: context.tenantId,
    runId: context.runId,
    externalId: spec.id ?? null,
    prompt: spec.prompt,
    language: spec.language === undefined ? null : text(spec.language),
    dimension: spec.dimension ?? null,
    source: sourceOf(spec),
    verification: spec.verification ?? null,
    metadata: spec.metadata ?? {},
    limits: {
      maxAttempts: spec.maxAttempts ?? DEFAULT_LIMITS.maxAttempts,
      maxOutages: DEFAULT_LIMITS.maxOutages,
      maxCostUsd: spec.maxCostUsd ?? DEFAULT_LIMITS.maxCostUsd,
      deadlineAtMs:
        spec.deadlineSeconds === undefined
          ? DEFAULT_LIMITS.deadlineAtMs
          : Math.round(context.nowMs + spec.deadlineSeconds * 1_000),
      costWeight: spec.costWeight ?? DEFAULT_LIMITS.costWeight,
    },
    priority: spec.priority,
    traceparent: formatTraceparent(nextSpan(parseTraceparent(context.traceparent))),
  }));
}

/** Where a task comes from (`metadata.source`); statistics are kept per source. */
function sourceOf(spec: TaskSpec): string | null {
  const source = spec.metadata?.['source'];
  return typeof source === 'string' && source !== '' ? text(source.slice(0, 128)) : null;
}

function refuseDeepMetadata(specs: readonly TaskSpec[]): void {
  const deep = specs.flatMap((spec, i) =>
    isDeeperThan(spec.metadata, MAX_METADATA_DEPTH)
      ? [{ path: `tasks[${i}].metadata`, message: `may be nested ${MAX_METADATA_DEPTH} levels deep at most` }]
      : [],
  );
  if (deep.length > 0) throw invalid('body', deep);
}

/** Whether a JSON value is nested deeper than `levels`. Recurses no deeper than that itself. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((v) => isDeeperThan(v, levels - 1));
}

/** The request's traceparent header, whatever it holds. */
export function traceparentOf(request: FastifyRequest): string | undefined {
  const header = request.headers['traceparent'];
  return typeof header === 'string' ? header : undefined;
}
