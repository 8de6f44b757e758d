import { envSchema, rawEnv } from './env';

/** Days after which old rows are taken; 0 = never. See docs/operations.md. */
export interface RetentionDays {
  textDays: number;
  taskDays: number;
  eventDays: number;
}

/** The policy of the environment, for who needs nothing else of it. @throws ZodError for a wrong value */
export function readRetentionDays(env = rawEnv()): RetentionDays {
  const { shape } = envSchema;
  return {
    textDays: shape.ACR_RETENTION_TEXT_DAYS.parse(env.ACR_RETENTION_TEXT_DAYS || undefined),
    taskDays: shape.ACR_RETENTION_TASK_DAYS.parse(env.ACR_RETENTION_TASK_DAYS || undefined),
    eventDays: shape.ACR_RETENTION_EVENT_DAYS.parse(env.ACR_RETENTION_EVENT_DAYS || undefined),
  };
}
