import { PRIORITIES } from '@acrouter/domain/admission';
import { DIMENSIONS } from '@acrouter/domain/task';
import { z } from 'zod';

/** Longest prompt accepted, in characters (about 250k tokens). */
export const MAX_PROMPT_CHARS = 1_000_000;

const relativePath = z
  .string()
  .min(1)
  .max(512)
  .refine((p) => !p.startsWith('/') && !p.split(/[\\/]/).includes('..') && !p.includes('\0'), {
    message: 'must be a relative path without ".."',
  });

export const verificationSchema = z
  .strictObject({
    tests: z.string().min(1).optional(),
    command: z.string().min(1).optional(),
    files: z.record(relativePath, z.string()).optional(),
    answerFile: relativePath.optional(),
    edits: z.array(relativePath).min(1).max(100).optional(),
    isolation: z.enum(['separate', 'shared']).optional(),
    entryPoint: z.string().min(1).optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
  })
  .refine((v) => !(v.tests && v.command), { message: 'give "tests" or "command", not both' });

/** One line of a task file, and one element of `POST /v1/tasks`. */
export const taskSpecSchema = z.strictObject({
  /** The caller's own name of the task; unique inside one submission. */
  id: z.string().min(1).max(256).optional(),
  prompt: z.string().min(1).max(MAX_PROMPT_CHARS),
  language: z.string().min(1).max(32).optional(),
  dimension: z.enum(DIMENSIONS).optional(),
  verification: verificationSchema.optional(),
  maxAttempts: z.number().int().min(1).max(20).optional(),
  maxCostUsd: z.number().positive().max(10_000).optional(),
  /** Seconds from submission until no new attempt starts. */
  deadlineSeconds: z.number().positive().max(604_800).optional(),
  costWeight: z.number().min(0).max(1_000).optional(),
  /** Among the tenant's queued tasks. Default: the run's, else normal. */
  priority: z.enum(PRIORITIES).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type TaskSpec = z.infer<typeof taskSpecSchema>;
