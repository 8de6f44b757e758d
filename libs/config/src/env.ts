import { AcrError } from '@acrouter/domain/errors';
import { z } from 'zod';

const wholeNumber = z.coerce.number().int();
const flag = z.enum(['0', '1', 'true', 'false']).transform((v) => v === '1' || v === 'true');

/**
 * Every environment variable that ACRouter reads, with its default and meaning; docs/configuration.md lists
 * the same, and a test keeps the two together.
 */
export const envSchema = z.object({
  ACR_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres://')
    .describe('Postgres that holds the truth. `acr up` sets it to the embedded one.'),
  ACR_QUEUE_URL: z
    .string()
    .regex(
      /^(rediss?(\+(cluster|sentinel))?|postgres(ql)?):\/\//,
      'must start with redis://, rediss://, redis+cluster://, redis+sentinel:// or postgres://',
    )
    .optional()
    .describe(
      'Queue back end: Redis (also `redis+cluster://`, `redis+sentinel://`, `rediss` for TLS: docs/queues.md), or a Postgres. Default: the database.',
    ),
  ACR_MODELS_FILE: z
    .string()
    .optional()
    .describe('The model pool, a models.yaml. Default: the simulated pool.'),
  ACR_PRIORS_FILE: z.string().optional().describe('Prior scores, JSON. Default: the published table.'),
  ACR_HTTP_HOST: z.string().default('127.0.0.1').describe('Address that the HTTP server binds.'),
  ACR_HTTP_PORT: wholeNumber
    .min(0)
    .max(65_535)
    .default(8700)
    .describe(
      'Port of this process: the API for the gateway; health and metrics for the others. 0 picks a free one.',
    ),
  ACR_BODY_LIMIT_BYTES: wholeNumber
    .min(1_024)
    .default(33_554_432)
    .describe('Largest request body that the gateway reads.'),
  ACR_EMBEDDED: flag
    .default(false)
    .describe('Serves callers on this machine without an API key, as tenant `default`. `acr up` sets it.'),
  ACR_RATE_LIMIT_PER_MINUTE: wholeNumber
    .min(1)
    .default(1_200)
    .describe('Requests per minute of an API key that has no limit of its own.'),
  ACR_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe log line written.'),
  ACR_OTLP_ENDPOINT: z
    .string()
    .url()
    .optional()
    .describe('OpenTelemetry collector (OTLP over HTTP) to send traces to. Default: none, nothing is sent.'),
  ACR_TRACE_PROMPTS: flag
    .default(false)
    .describe('Puts prompts and answers into the traces. Without it they never leave Postgres.'),
  ACR_DATABASE_POOL: wholeNumber.min(1).max(200).default(8).describe('Postgres connections of this process.'),
  ACR_QUEUE_POOL: wholeNumber
    .min(1)
    .max(200)
    .default(6)
    .describe('Connections of this process to a Postgres queue.'),
  ACR_SHUTDOWN_GRACE_MS: wholeNumber
    .min(0)
    .default(20_000)
    .describe('How long a stopping service lets running work finish before it hands it back.'),
  ACR_CONCURRENCY: wholeNumber
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      'Messages handled at once by this process, per queue. Default: the catalogue’s; for verifiers the number of cores.',
    ),
  ACR_POLICY: z
    .string()
    .optional()
    .describe('Routing policy. Default: the one `acr bench replay` marks as default.'),
  ACR_ATTEMPT_PRICE: z.coerce
    .number()
    .min(0)
    .default(0)
    .describe('Score points that one more attempt costs whatever its price (latency).'),
  ACR_EXPLORATION: z.coerce
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe('Share of first attempts drawn evenly from all models. Default: 0.005; 0 for fixed chains.'),
  ACR_SEED: z
    .string()
    .optional()
    .describe('Makes decisions and simulated answers repeatable. Default: random decisions.'),
  ACR_SWEEP_IDLE_MS: wholeNumber
    .min(100)
    .default(20_000)
    .describe('A task that has not moved for so long is published again.'),
  ACR_WINDOW: wholeNumber
    .min(1)
    .max(100_000)
    .default(256)
    .describe(
      'Most tasks in the loop at once, over all services; the others wait in Postgres for their turn.',
    ),
  ACR_BACKLOG_PER_TENANT: wholeNumber
    .min(1_000)
    .default(20_000)
    .describe('Most queued tasks of one tenant, at least 1000; a submission beyond it is answered with 429.'),
  ACR_BACKLOG_TOTAL: wholeNumber
    .min(1_000)
    .default(100_000)
    .describe('Most queued tasks of all tenants together, likewise.'),
  ACR_RETENTION_TEXT_DAYS: wholeNumber
    .min(0)
    .default(90)
    .describe('Days after which prompts, answers and findings of settled tasks are erased. 0 = never.'),
  ACR_RETENTION_TASK_DAYS: wholeNumber
    .min(0)
    .default(365)
    .describe('Days after which settled tasks are deleted; sums per day remain. 0 = never.'),
  ACR_RETENTION_EVENT_DAYS: wholeNumber
    .min(0)
    .default(30)
    .describe('Days after which events of runs are deleted. 0 = never.'),
  ACR_LEASE_MS: wholeNumber
    .min(1_000)
    .default(15_000)
    .describe('How long an executor may go silent before its attempt is given to another.'),
  ACR_SANDBOX: z
    .enum(['bubblewrap', 'container', 'quickjs'])
    .optional()
    .describe('Sandbox back end. Default: the best that works here.'),
  ACR_ALLOW_UNSAFE: flag
    .default(false)
    .describe('Runs answers without any sandbox. Never with answers you did not write yourself.'),
  ACR_PRETEND_CHECK_MS: wholeNumber
    .min(0)
    .optional()
    .describe(
      'For `acr bench load`: every answer passes after so long, without being run. Refused unless all models are simulated.',
    ),
  ACR_REPOSITORIES: z
    .string()
    .optional()
    .describe('Folder with the repositories that tasks may name. Default: none, such tasks are refused.'),
  ACR_MEMORY_CAPACITY: wholeNumber
    .min(1)
    .default(20_000)
    .describe('Experiences kept per tenant, first in, first out (paper: 20,000).'),
  ACR_NEIGHBOURS: wholeNumber
    .min(0)
    .max(100)
    .default(10)
    .describe('Neighbours recalled per task (paper: 10).'),
  ACR_SIMILARITY_THRESHOLD: z.coerce
    .number()
    .min(-1)
    .max(1)
    .default(0.5)
    .describe('Least cosine similarity of a neighbour (paper: 0.5).'),
  ACR_EMBEDDINGS_URL: z
    .string()
    .url()
    .optional()
    .describe('OpenAI-compatible /v1/embeddings endpoint. Default: the built-in hashed embedding.'),
  ACR_EMBEDDINGS_MODEL: z.string().optional().describe('Model to ask that endpoint for.'),
  ACR_EMBEDDINGS_KEY_ENV: z
    .string()
    .optional()
    .describe('Name of the variable that holds that endpoint’s key.'),
});

export type Env = z.infer<typeof envSchema> & { ACR_QUEUE_URL: string };

/** What a service may ask of its environment. Unknown variables are none of ours and are ignored. */
export type EnvRecord = Record<string, string | undefined>;

/**
 * Reads the configuration. Empty variables count as absent.
 * Throws ACR_CONFIG_INVALID naming every variable that is wrong and why.
 */
export function readEnv(env: EnvRecord = process.env): Env {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = envSchema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new AcrError('ACR_CONFIG_INVALID', `${lines.join('; ')}. See docs/configuration.md.`);
  }
  return { ...parsed.data, ACR_QUEUE_URL: parsed.data.ACR_QUEUE_URL ?? parsed.data.ACR_DATABASE_URL };
}

/** The environment itself, for the few who must pass it on (child processes) or look up a key by its name. */
export function rawEnv(): EnvRecord {
  return process.env;
}
