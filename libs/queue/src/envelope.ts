import { z } from 'zod';

/**
 * What BullMQ keeps per message (besides its own fields). `payload` is parsed with the catalogue's schema.
 * New fields must be optional: messages of the last version are still in the queues after an upgrade.
 */
export const envelopeSchema = z.object({
  v: z.literal(1),
  payload: z.unknown(),
  /** W3C traceparent of the publisher. */
  traceparent: z.string().optional(),
  /** Unix time in ms. */
  publishedAtMs: z.number(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** One line per problem of a zod error, for people. */
export function explainIssues(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`).join('; ');
}
