import { z } from 'zod';

/**
 * Answer to `GET /v1/report`. `null` = there is nothing to compute it from. Shares are in [0, 1]; intervals are
 * [low, high] at 95 %.
 */
const share = z.number();
const count = z.number().int();
const interval = z.tuple([z.number(), z.number()]);

/** Milliseconds; `n` = measurements behind it. */
export const percentilesSchema = z.object({ n: count, p50: z.number(), p95: z.number(), p99: z.number() });
export type PercentilesView = z.infer<typeof percentilesSchema>;

export const modelReportSchema = z.object({
  model: z.string(),
  simulated: z.boolean(),
  attempts: count,
  /** Of all attempts. */
  share,
  /** Attempts whose answer got a verdict. */
  judged: count,
  passed: count,
  /** passed / judged */
  successRate: share.nullable(),
  averageScore: z.number().nullable(),
  /** Attempts that ended without an answer. */
  outages: count,
  explored: count,
  calls: count,
  costUsd: z.number().nullable(),
  unknownCalls: count,
  inputTokens: count,
  outputTokens: count,
});
export type ModelReport = z.infer<typeof modelReportSchema>;

/** Tasks in scope that retention has deleted; they are in no other figure. By whole UTC days of settlement. */
const deletedReportSchema = z.object({
  tasks: count,
  solved: count,
  calls: count,
  costUsd: z.number().nullable(),
  unknownCalls: count,
});

/** "What if the strongest model had done everything?", on the tasks whose own cost is fully known. */
export const strongestReportSchema = z.object({
  model: z.string(),
  tasksCompared: count,
  /** Settled tasks that could not be compared: a call of theirs has no known cost, or no answer came. */
  tasksLeftOut: count,
  actualCostUsd: z.number(),
  costUsd: z.number(),
  costInterval: interval,
  savingUsd: z.number(),
  savingUsdInterval: interval,
  /** In % of `costUsd`; negative = routing cost more. `null` where the strongest model is free. */
  savingPercent: z.number().nullable(),
  savingPercentInterval: interval.nullable(),
  /** How many tasks' costs are real, from its own mean output, or from the output of the models tried. */
  costBasis: z.object({ observed: count, ownOutput: count, triedOutput: count }),
  actualScore: z.number().nullable(),
  /** Estimated mean score of the strongest model on the same judged tasks. */
  score: z.number().nullable(),
  scoreInterval: interval.nullable(),
  scoreBasis: z.object({ observed: count, dimensionMean: count, prior: count, unknown: count }),
  /** How the figures came about, for a person. */
  method: z.string(),
});
export type StrongestReport = z.infer<typeof strongestReportSchema>;

export const regretReportSchema = z.object({
  /** Σ over tasks of (best model's expected reward − own reward); negative = better than any single model. */
  total: z.number(),
  perTask: z.number(),
  perTaskInterval: interval,
  tasks: count,
  method: z.string(),
});

export const latencyReportSchema = z.object({
  /** How long messages waited in any queue. */
  queueWait: percentilesSchema.nullable(),
  recall: percentilesSchema.nullable(),
  decide: percentilesSchema.nullable(),
  execute: percentilesSchema.nullable(),
  verify: percentilesSchema.nullable(),
  commit: percentilesSchema.nullable(),
  /** From acceptance to settlement, per task. */
  endToEnd: percentilesSchema.nullable(),
  /** endToEnd less the work of execute and verify, per task: what the loop adds, its queues' waits included. */
  overhead: percentilesSchema.nullable(),
  /** Work of recall, decide and commit alone, per task: what the loop adds on an idle stack. */
  loopWork: percentilesSchema.nullable(),
});
export type LatencyReport = z.infer<typeof latencyReportSchema>;

/** What was learnt of a signal from answers that given tests had judged; see docs/verification.md. */
export const calibrationLineSchema = z.object({
  signal: z.string(),
  /** The judge's model; empty for signals that nobody speaks. */
  source: z.string(),
  /** `null`: over all dimensions. */
  dimension: z.string().nullable(),
  pairs: count,
  /** Mean of what was said less the share that was right; positive = too kind. */
  bias: z.number(),
  /** −1 to 1; 0 = no better than chance; `null` while only right or only wrong answers were seen. */
  discrimination: z.number().nullable(),
  reliability: share,
  /** Part of its configured weight that the signal keeps. */
  weightFactor: share,
});

export const reportSchema = z.object({
  scope: z.object({
    run: z.string().nullable(),
    since: z.string().nullable(),
    until: z.string().nullable(),
    dimension: z.string().nullable(),
  }),
  generatedAt: z.iso.datetime(),
  /** Whether models of the simulated pool answered; then no figure of score or cost says anything of real ones. */
  simulated: z.enum(['none', 'some', 'all']),
  /** Tasks whose check ran without a sandbox (`unsafe`). */
  unsafeChecks: count,
  tasks: z.object({
    total: count,
    settled: count,
    solved: count,
    /** solved / settled */
    solvedShare: share.nullable(),
    outcomes: z.record(z.string(), count),
    /** Mean score of the settled tasks that were judged. */
    averageScore: z.number().nullable(),
    /** Per settled task that had any attempt. */
    attemptsPerTask: z.number().nullable(),
  }),
  /** `null` for a run or a dimension, of which no sums are kept. */
  deleted: deletedReportSchema.nullable().optional(),
  cost: z.object({
    /** Sum of all known costs; `null` when calls were made and none is known. */
    knownUsd: z.number().nullable(),
    calls: count,
    unknownCalls: count,
    inputTokens: count,
    cachedInputTokens: count,
    outputTokens: count,
    reasoningTokens: count,
    /** What of it went into checking answers: judges and further samples. Part of the sums above. */
    verification: z.object({ knownUsd: z.number().nullable(), calls: count, unknownCalls: count }),
  }),
  models: z.array(modelReportSchema),
  dimensions: z.array(
    z.object({
      dimension: z.string(),
      tasks: count,
      settled: count,
      solved: count,
      averageScore: z.number().nullable(),
    }),
  ),
  /** Attempts made after one that was judged and did not pass. */
  escalations: count,
  /** Of all decided attempts, those drawn against the policy's own favourite. */
  exploredShare: share.nullable(),
  strongest: strongestReportSchema.nullable(),
  regret: regretReportSchema.nullable(),
  latencyMs: latencyReportSchema,
  /** Of all the tenant's tasks, whatever the scope: per signal over all dimensions, then per dimension. */
  calibration: z.array(calibrationLineSchema),
  /** Settled tasks behind `strongest` and `regret`; the newest ones when there are more than 5,000. */
  estimatedFromTasks: count,
});
export type Report = z.infer<typeof reportSchema>;
