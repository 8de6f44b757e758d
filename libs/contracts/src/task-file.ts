import { PRIORITIES } from '@acrouter/domain/admission';
import { DIMENSIONS } from '@acrouter/domain/task';
import { ANSWER_FILES, languageNamed } from '@acrouter/domain/verification/languages';
import { REPORT_FORMATS } from '@acrouter/domain/verification/test-report';
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

const testNames = z.array(z.string().min(1).max(2_000)).max(50_000);
const globs = z.array(z.string().min(1).max(512)).max(200);

export const verificationSchema = z
  .strictObject({
    tests: z.string().min(1).optional(),
    command: z.string().min(1).optional(),
    files: z.record(relativePath, z.string()).optional(),
    answerFile: relativePath.optional(),
    edits: z.array(relativePath).min(1).max(100).optional(),
    isolation: z.enum(['separate', 'shared']).optional(),
    report: z.strictObject({ format: z.enum(REPORT_FORMATS), path: relativePath.optional() }).optional(),
    repository: z
      .strictObject({
        name: relativePath,
        base: z.string().regex(/^[0-9a-f]{7,64}$/, 'must be the id of a commit, in small letters'),
        include: z.array(relativePath).max(20).optional(),
      })
      .optional(),
    protect: globs.optional(),
    allow: globs.optional(),
    failToPass: testNames.optional(),
    passToPass: testNames.optional(),
    entryPoint: z.string().min(1).optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
  })
  .refine((v) => !(v.tests && v.command), { message: 'give "tests" or "command", not both' })
  .refine((v) => v.command || !(v.report ?? v.repository), {
    message: '"report" and "repository" need "command"',
  })
  .refine((v) => v.repository || !(v.protect ?? v.allow ?? v.failToPass ?? v.passToPass), {
    message: '"protect", "allow", "failToPass" and "passToPass" need "repository"',
  })
  .refine((v) => !v.repository || !(v.edits ?? v.answerFile ?? v.isolation), {
    message: '"edits", "answerFile" and "isolation" do not go with "repository"',
  })
  .refine((v) => v.report || !(v.failToPass ?? v.passToPass), {
    message: '"failToPass" and "passToPass" need "report": an exit code names no tests',
  });

type VerificationFields = z.infer<typeof verificationSchema>;

/** Whether a file of the task would take the place of the answer, which is written under the same name. */
function hidesAnswer(language: string | undefined, verification: VerificationFields | undefined): boolean {
  const { files, answerFile, edits, repository } = verification ?? {};
  if (!files || edits || repository) return false;
  const known = language === undefined ? null : languageNamed(language);
  const name = answerFile ?? (known ? ANSWER_FILES[known] : undefined);
  return name !== undefined && Object.hasOwn(files, name);
}

/** One line of a task file, and one element of `POST /v1/tasks`. */
export const taskSpecSchema = z
  .strictObject({
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
  })
  .refine((task) => !hidesAnswer(task.language, task.verification), {
    path: ['verification', 'files'],
    message: 'a file has the name of the answer\'s own file and would replace it; name another "answerFile"',
  });
export type TaskSpec = z.infer<typeof taskSpecSchema>;
