import { z } from 'zod';
import { reportQuerySchema } from './http';

/** Query of `GET /v1/report/off-policy`: which tasks, and the policy that they are asked about. */
export const offPolicyQuerySchema = reportQuerySchema.extend({
  /** `strongest`, another policy's name, or `always:MODEL`. */
  against: z.string().min(1).max(200),
});
export type OffPolicyQuery = z.infer<typeof offPolicyQuerySchema>;

const count = z.number().int();

/** A mean with its 95 % interval; `null` ends: too little is known for an interval that holds. */
const estimateSchema = z.object({
  mean: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type EstimateView = z.infer<typeof estimateSchema>;

/** One outcome per task: estimates of its mean had the other policy made the first decision. */
const outcomeSchema = z.object({
  /** Mean of what was logged, on the same tasks. */
  actual: estimateSchema,
  ips: estimateSchema,
  snips: estimateSchema,
  doublyRobust: estimateSchema,
  /** doublyRobust less actual. */
  difference: estimateSchema,
  /** Decisions behind the estimates. */
  samples: count,
  /** As many decisions of the other policy itself would tell as much. */
  effectiveSamples: z.number(),
  /** Decisions where its choice could not have been drawn: left out. */
  unsupported: count,
  /** Decisions whose outcome is not known (not judged, unknown cost): left out, never counted as 0. */
  unknown: count,
});
export type OutcomeView = z.infer<typeof outcomeSchema>;

/** Answer to `GET /v1/report/off-policy`. */
export const offPolicyReportSchema = z.object({
  against: z.string(),
  scope: z.object({
    run: z.string().nullable(),
    since: z.string().nullable(),
    until: z.string().nullable(),
    dimension: z.string().nullable(),
  }),
  /** First decisions read: one per settled task, the newest when there are more than 10,000. */
  decisions: count,
  /** Share of them that took the other policy's favourite. */
  agreement: z.number(),
  /** Share of the judged ones on which its choice could have been drawn. */
  supportShare: z.number().nullable(),
  /**
   * `first…`: it makes one attempt and that is it. `task…`: it makes the first attempt, and the logged policy goes on
   * from there (escalation included); cost then includes checks that cost money.
   */
  outcomes: z.object({
    firstScore: outcomeSchema,
    firstCostUsd: outcomeSchema,
    taskScore: outcomeSchema,
    taskCostUsd: outcomeSchema,
  }),
  /** What can, or cannot, be concluded, in a sentence. */
  conclusion: z.string(),
});
export type OffPolicyReport = z.infer<typeof offPolicyReportSchema>;
