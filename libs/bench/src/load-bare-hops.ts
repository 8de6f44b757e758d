import type { JobsOptions } from 'bullmq';

/** Keys of the bare pipeline; not those of the product. */
export const BARE_PREFIX = '{acr-bare}';

/** The queues that a task of one attempt passes in the product, in order. */
export const BARE_HOPS = ['context', 'decide', 'execute', 'verify', 'feedback', 'decide'] as const;

/** Which queues one process of the pipeline works on: the same as the service of that name. */
export const BARE_PROCESSES = {
  memory: ['context', 'feedback'],
  orchestrator: ['decide'],
  executor: ['execute'],
  verifier: ['verify'],
} as const;

/** A place in `BARE_HOPS`. */
export interface BareHop {
  hop: number;
  name: (typeof BARE_HOPS)[number];
}

/** A job's data: the size and shape of the product's messages. */
export interface BareJob {
  v: 1;
  payload: { taskId: string; hop: number };
  traceparent: string;
  publishedAtMs: number;
}

/** The hop after `hop`, or `null` after the last. */
export function nextHop(hop: number): BareHop | null {
  const name = BARE_HOPS[hop + 1];
  return name ? { hop: hop + 1, name } : null;
}

/** The job of one hop, with the options that the product gives its own. */
export function bareJob(
  taskId: string,
  { hop, name }: BareHop,
): { name: string; data: BareJob; opts: JobsOptions } {
  return {
    name,
    data: {
      v: 1,
      payload: { taskId, hop },
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      publishedAtMs: Date.now(),
    },
    opts: {
      jobId: `${taskId}.${hop}`,
      attempts: 8,
      backoff: { type: 'exponential', delay: 200 },
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: 1,
    },
  };
}
