import { PRIORITIES } from '@acrouter/domain/admission';
import { DIMENSIONS, OUTCOMES } from '@acrouter/domain/task';
import { z } from 'zod';
import { taskSpecSchema } from './task-file';

/**
 * Every HTTP body of the gateway, both ways; `GET /openapi.json` is generated from these. The report has its own
 * file, http-report.ts. Requests are strict (an unknown field is a mistake to be told); responses may gain fields.
 *
 * Money is USD. Next to every cost stands `unknownCalls`: calls whose usage the provider never reported. Their
 * cost is in no sum. A cost is `null` when calls were made and none of them is known; never 0 for "unknown".
 */

/** Most tasks in one request; a run takes more in further requests. */
export const MAX_TASKS_PER_REQUEST = 1_000;

const id = z.string().regex(/^[\w-]{1,64}$/, 'is no id: letters, digits, - and _ only');
const at = z.iso.datetime();
const usd = z.number().min(0);

// ---- Errors -------------------------------------------------------------------------------------------------

/** RFC 9457 `application/problem+json`: every answer that is not a success. */
export const problemSchema = z.object({
  /** `urn:acrouter:error:<code>`; docs/errors.md explains each. */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  /** What happened here and what to do. */
  detail: z.string(),
  /** Whether the same request may succeed later unchanged. */
  retryable: z.boolean(),
  instance: z.string().optional(),
  /** For a body or query that is not valid: each mistake with its place, e.g. `tasks[3].prompt`. */
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

// ---- Tasks --------------------------------------------------------------------------------------------------

const taskList = z.array(taskSpecSchema).min(1).max(MAX_TASKS_PER_REQUEST).superRefine(refuseTwins);

function refuseTwins(tasks: { id?: string | undefined }[], ctx: z.RefinementCtx): void {
  const seen = new Map<string, number>();
  tasks.forEach((t, i) => {
    const first = t.id === undefined ? undefined : seen.get(t.id);
    if (first !== undefined)
      ctx.addIssue({ code: 'custom', path: [i, 'id'], message: `is taken by tasks[${first}]` });
    else if (t.id !== undefined) seen.set(t.id, i);
  });
}

/** `POST /v1/runs/:id/tasks`, and `POST /v1/tasks` with several tasks; with one, its body is the TaskSpec itself. */
export const submitTasksSchema = z.strictObject({ tasks: taskList });

/** `queued`: accepted, nothing known yet · `running`: in the loop · `settled`: `outcome` is final */
export const taskStatusSchema = z.enum(['queued', 'running', 'settled']);
export type TaskStatus = z.infer<typeof taskStatusSchema>;

export const acceptedTaskSchema = z.object({
  id,
  externalId: z.string().nullable(),
  runId: id.nullable(),
  status: taskStatusSchema,
});
export type AcceptedTask = z.infer<typeof acceptedTaskSchema>;

/** Answer to `POST /v1/tasks {tasks}`, in the order of the request. */
export const acceptedTasksSchema = z.object({ tasks: z.array(acceptedTaskSchema) });

export const attemptViewSchema = z.object({
  attempt: z.number().int(),
  model: z.string(),
  /** executing, answered, verified, recorded; or outage, over-budget, cancelled: ends without a verdict. */
  status: z.string(),
  /** `null`, like `passed`, before the verdict and when nothing could check the answer. */
  score: z.number().nullable(),
  passed: z.boolean().nullable(),
  confidence: z.number().nullable(),
  costUsd: usd.nullable(),
  unknownCalls: z.number().int(),
  inputTokens: z.number().int().nullable(),
  outputTokens: z.number().int().nullable(),
  latencyMs: z.number().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  decidedAt: at,
  verifiedAt: at.nullable(),
});
export type AttemptView = z.infer<typeof attemptViewSchema>;

/** A task as lists show it. */
export const taskSummarySchema = z.object({
  id,
  externalId: z.string().nullable(),
  runId: id.nullable(),
  status: taskStatusSchema,
  outcome: z.enum(OUTCOMES).nullable(),
  /** `null` until settled. */
  solved: z.boolean().nullable(),
  score: z.number().nullable(),
  /** Model whose answer is the task's answer. */
  model: z.string().nullable(),
  dimension: z.string().nullable(),
  language: z.string().nullable(),
  attempts: z.array(attemptViewSchema),
  costUsd: usd.nullable(),
  unknownCalls: z.number().int(),
  /** Whether any of its calls went to the simulated pool. */
  simulated: z.boolean(),
  cancelRequested: z.boolean(),
  createdAt: at,
  settledAt: at.nullable(),
  /** From acceptance to settlement; `null` until then. */
  durationMs: z.number().nullable(),
  /** Only where asked for with `include=answer`. */
  answer: z.string().nullable().optional(),
});
export type TaskSummary = z.infer<typeof taskSummarySchema>;

/** One stage of one turn: how long its message waited in the queue, and how long the work took. */
export const stageTimingSchema = z.object({
  turn: z.number().int(),
  stage: z.string(),
  waitMs: z.number(),
  workMs: z.number(),
});

/** `GET /v1/tasks/:id` */
export const taskViewSchema = taskSummarySchema.extend({
  answer: z.string().nullable(),
  limits: z.object({
    maxAttempts: z.number().int(),
    maxCostUsd: usd.nullable(),
    deadlineAt: at.nullable(),
    costWeight: z.number(),
  }),
  metadata: z.record(z.string(), z.unknown()),
  priority: z.enum(PRIORITIES),
  /** When prompt, answers and metadata were erased (docs/operations.md, Retention); `null`: they are there. */
  erasedAt: at.nullable(),
  /** What the verifier found out about the final attempt's answer. */
  signals: z.array(z.unknown()).nullable(),
  timings: z.array(stageTimingSchema),
});
export type TaskView = z.infer<typeof taskViewSchema>;

export const PAGE_SIZE = { default: 100, max: 1_000 } as const;

const page = {
  limit: z.coerce.number().int().min(1).max(PAGE_SIZE.max).default(PAGE_SIZE.default),
  /** `nextCursor` of the page before. */
  cursor: id.optional(),
  include: z.literal('answer').optional(),
};

/** Query of `GET /v1/tasks`: newest first. */
export const taskQuerySchema = z.strictObject({
  external_id: z.string().min(1).max(256).optional(),
  run: id.optional(),
  status: z.enum(['settled', 'unsettled']).optional(),
  ...page,
});

/** Query of `GET /v1/runs/:id/tasks`: in the order of submission. */
export const runTaskQuerySchema = z.strictObject(page);

export const taskPageSchema = z.object({
  tasks: z.array(taskSummarySchema),
  /** Hand it back as `cursor` for the next page; `null` on the last one. */
  nextCursor: z.string().nullable(),
});
export type TaskPage = z.infer<typeof taskPageSchema>;

/** `POST …/cancel`. `requested`: tasks that were not settled and now will be; the loop settles them shortly. */
export const cancelledSchema = z.object({ id, requested: z.number().int() });
export type Cancelled = z.infer<typeof cancelledSchema>;

// ---- Explanation --------------------------------------------------------------------------------------------

export const candidateViewSchema = z.object({
  model: z.string(),
  available: z.boolean(),
  predictedScore: z.number(),
  predictedCostUsd: usd.nullable(),
  probability: z.number(),
  votes: z.record(z.string(), z.number()),
});

export const neighbourViewSchema = z.object({
  taskId: z.string(),
  model: z.string(),
  score: z.number(),
  costUsd: usd.nullable(),
  similarity: z.number(),
});

export const decisionViewSchema = z.object({
  /** `<task id>.<turn>`; what feedback may refer to. */
  decisionId: z.string(),
  turn: z.number().int(),
  action: z.enum(['attempt', 'stop', 'wait']),
  attempt: z.number().int().nullable(),
  model: z.string().nullable(),
  /** Probability with which the chosen model was drawn. */
  probability: z.number().nullable(),
  explored: z.boolean(),
  policy: z.string(),
  policyVersion: z.string(),
  /** One sentence for a person. */
  reason: z.string(),
  candidates: z.array(candidateViewSchema),
  neighbours: z.array(neighbourViewSchema),
  attemptsLeft: z.number().int(),
  budgetLeftUsd: z.number().nullable(),
  costWeight: z.number(),
  decideMs: z.number(),
  decidedAt: at,
  /** What came of it, with what each check found; `null` for a decision without an attempt. */
  result: attemptViewSchema
    .extend({
      checks: z.array(
        z.object({
          kind: z.string(),
          status: z.string(),
          score: z.number().nullable(),
          /** Share of the attempt's score, after what says nothing was left out. */
          weight: z.number(),
          message: z.string().nullable(),
          /** Both runs of a check that was repeated; the second decided. Absent for one run. */
          runs: z
            .array(
              z.object({
                status: z.string(),
                score: z.number().nullable(),
                /** Tests that failed; `*` where they have no names. */
                failed: z.array(z.string()),
              }),
            )
            .optional(),
        }),
      ),
    })
    .nullable(),
});
export type DecisionView = z.infer<typeof decisionViewSchema>;

/** `GET /v1/tasks/:id/explain` */
export const explanationSchema = z.object({
  taskId: id,
  externalId: z.string().nullable(),
  status: taskStatusSchema,
  outcome: z.enum(OUTCOMES).nullable(),
  /** What memory recalled; `null` before it did. */
  context: z
    .object({
      dimension: z.string(),
      language: z.string(),
      /** `given` by the submitter or `inferred` from the prompt. */
      dimensionBy: z.enum(['given', 'inferred']),
      neighbours: z.number().int(),
    })
    .nullable(),
  decisions: z.array(decisionViewSchema),
  feedback: z.array(
    z.object({
      feedbackId: id,
      attempt: z.number().int(),
      source: z.string(),
      metric: z.string(),
      value: z.unknown(),
      tags: z.array(z.string()),
      reason: z.string().nullable(),
      at,
    }),
  ),
});
export type Explanation = z.infer<typeof explanationSchema>;

// ---- Runs ---------------------------------------------------------------------------------------------------

/**
 * `POST /v1/runs`. `expectedTasks`: how many tasks the run will have when all chunks are in; the run is not
 * finished before. Default: those of this request.
 */
export const submitRunSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  maxCostUsd: z.number().positive().max(1_000_000).optional(),
  expectedTasks: z.number().int().min(1).max(10_000_000).optional(),
  /** Of tasks that name none. Default: normal. */
  priority: z.enum(PRIORITIES).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  tasks: z.array(taskSpecSchema).max(MAX_TASKS_PER_REQUEST).superRefine(refuseTwins).default([]),
});
export type SubmitRun = z.input<typeof submitRunSchema>;

/** Answer to `POST /v1/runs` and `POST /v1/runs/:id/tasks`; `tasks` are those of this request, in its order. */
export const acceptedRunSchema = z.object({
  id,
  name: z.string().nullable(),
  taskCount: z.number().int(),
  tasks: z.array(acceptedTaskSchema),
});

/** `GET /v1/runs/:id` */
export const runViewSchema = z.object({
  id,
  name: z.string().nullable(),
  status: z.enum(['running', 'finished']),
  cancelled: z.boolean(),
  taskCount: z.number().int(),
  expectedTasks: z.number().int().nullable(),
  queued: z.number().int(),
  running: z.number().int(),
  settled: z.number().int(),
  solved: z.number().int(),
  /** Settled tasks by outcome. */
  outcomes: z.record(z.string(), z.number().int()),
  averageScore: z.number().nullable(),
  attempts: z.number().int(),
  costUsd: usd.nullable(),
  unknownCalls: z.number().int(),
  calls: z.number().int(),
  maxCostUsd: usd.nullable(),
  /** Spent and still held of the run's budget; `null` without one. */
  budget: z.object({ spentUsd: usd, heldUsd: usd }).nullable(),
  simulated: z.boolean(),
  metadata: z.record(z.string(), z.unknown()),
  createdAt: at,
  /** When the last task settled; `null` before. */
  finishedAt: at.nullable(),
});
export type RunView = z.infer<typeof runViewSchema>;

/**
 * `data:` of one server-sent event of `GET /v1/runs/:id/events`. `event:` repeats `type`; `id:` is the place to
 * resume at (Last-Event-ID). The last one is `run.finished` with a RunView as its data and `taskId` null.
 */
export const runEventSchema = z.object({
  type: z.string(),
  taskId: id.nullable(),
  at,
  data: z.record(z.string(), z.unknown()),
});
export type RunEvent = z.infer<typeof runEventSchema>;

// ---- Feedback, models ---------------------------------------------------------------------------------------

/** What a person can say of a choice: the model was too weak, dearer than needed, right, or the answer was wrong. */
export const VERDICT_WORDS = ['underpowered', 'overprovisioned', 'good_fit', 'failed'] as const;

/** `POST /v1/feedback`. `metric: "verdict"` takes one of the four words; any other metric any number, flag or text. */
export const submitFeedbackSchema = z
  .strictObject({
    taskId: id.optional(),
    decisionId: z.string().min(1).max(80).optional(),
    metric: z.string().regex(/^[\w.-]{1,64}$/, 'may hold up to 64 letters, digits and . _ -'),
    value: z.union([z.number(), z.boolean(), z.string().min(1).max(2_000)]),
    tags: z.array(z.string().min(1).max(64)).max(32).optional(),
    reason: z.string().min(1).max(4_000).optional(),
  })
  .refine((f) => (f.taskId === undefined) !== (f.decisionId === undefined), {
    message: 'give "taskId" or "decisionId", and not both',
  })
  .refine((f) => f.metric !== 'verdict' || VERDICT_WORDS.some((w) => w === f.value), {
    path: ['value'],
    message: `must be one of: ${VERDICT_WORDS.join(', ')}`,
  });

export const acceptedFeedbackSchema = z.object({ feedbackId: id });

export const modelViewSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  /** Unix time in s at which the gateway read the pool. */
  created: z.number().int(),
  owned_by: z.string(),
  price: z.object({
    inputPerMillion: z.number(),
    outputPerMillion: z.number(),
    cachedInputPerMillion: z.number().optional(),
    reasoningPerMillion: z.number().optional(),
  }),
  simulated: z.boolean(),
  strongest: z.boolean(),
  /** Why it is left alone for now; `null` while it can be chosen. */
  cooling: z
    .object({ until: at, consecutiveOutages: z.number().int(), lastError: z.string().nullable() })
    .nullable(),
});
export type ModelView = z.infer<typeof modelViewSchema>;

/** `GET /v1/models`; the list has the shape of OpenAI's, with our fields added. */
export const modelListSchema = z.object({ object: z.literal('list'), data: z.array(modelViewSchema) });
export type ModelList = z.infer<typeof modelListSchema>;

/** Query of `GET /v1/report`. Without any: everything of the tenant. Times are those of acceptance. */
export const reportQuerySchema = z.strictObject({
  run: id.optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  dimension: z.enum(DIMENSIONS).optional(),
});
export type ReportQuery = z.infer<typeof reportQuerySchema>;
