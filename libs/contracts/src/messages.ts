import { z } from 'zod';

/**
 * The messages. Must 8 of docs/architecture: they carry ids and small facts; prompts, answers and verdicts
 * stay in Postgres, where the receiver reads them. New fields must be optional.
 */
const taskId = z.string().min(1).max(64);
const attempt = z.number().int().min(1).max(1_000);

/** gateway or orchestrator → memory: embed the task, recall its neighbours. */
export const contextMessage = z.object({ taskId });
export type ContextMessage = z.infer<typeof contextMessage>;

/** anyone → orchestrator: something happened to this task; the facts are in Postgres. */
export const decideMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('context-ready'), taskId }),
  z.object({ kind: z.literal('attempt-finished'), taskId, attempt }),
  z.object({ kind: z.literal('wake'), taskId, turn: z.number().int().min(1) }),
  z.object({ kind: z.literal('cancel'), taskId }),
]);
export type DecideMessage = z.infer<typeof decideMessage>;

/** orchestrator → executor, on the queue of one model. */
export const executeMessage = z.object({ taskId, attempt, model: z.string().min(1) });
export type ExecuteMessage = z.infer<typeof executeMessage>;

/** executor → verifier: an answer is stored. */
export const verifyMessage = z.object({ taskId, attempt });
export type VerifyMessage = z.infer<typeof verifyMessage>;

/** verifier → memory: a verdict is stored. */
export const feedbackMessage = z.object({ taskId, attempt });
export type FeedbackMessage = z.infer<typeof feedbackMessage>;
