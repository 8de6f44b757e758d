import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PUBLISHED_PRIOR } from '@acrouter/domain/routing/published-prior';
import type { ExampleTask } from './example-bundle';
import { INSTANT_MODEL, instantClient } from './instant-client';
import type { CompletionRequest, CompletionResult, Failed, ModelClient } from './model-client';

/**
 * The simulated pool: stand-ins for the eight models of the published table, for machines without a key.
 * It calls nobody and knows only the bundled example tasks; their right and wrong programs are then really run.
 *
 * The chance of a right program is the published mean score, unscaled (arXiv 2606.22902, Table 10): low in
 * some dimensions, and thereby what the shipped prior says. Chances are not independent, as they are not for
 * real models: a share {@link SHARED} of the luck belongs to the task (hard for all), and of the rest a share
 * {@link PERSISTENT} to the model on that task (asking again seldom helps). Each model's mean is unaffected.
 */
const SHARED = 0.4;
const PERSISTENT = 0.8;

/** Seconds to answer and tokens per token of answer (reasoning), made up but in a plausible order. */
const PROFILES: Readonly<Record<string, { seconds: number; reasoning: number }>> = {
  'claude-opus-4-6': { seconds: 14, reasoning: 2.0 },
  'claude-sonnet-4-6': { seconds: 10, reasoning: 1.6 },
  'gpt-5.4': { seconds: 9, reasoning: 1.2 },
  'Qwen3-Max': { seconds: 8, reasoning: 0.6 },
  'glm-5': { seconds: 9, reasoning: 1.8 },
  'kimi-k2.5': { seconds: 7, reasoning: 1.0 },
  'qwen3.5-plus': { seconds: 6, reasoning: 1.5 },
  'MiniMax-M2.7': { seconds: 5, reasoning: 1.0 },
};

export interface SimulatedPoolOptions {
  tasks: readonly ExampleTask[];
  /** Same seed, task, model and number of the call: same answer. Default 1. */
  seed?: number;
  /** Simulated seconds are multiplied by it. Default 0.01: a 10 s answer takes 100 ms. */
  latencyScale?: number;
  /** Share of calls that fail with HTTP 429 or 500, in [0, 1]. Default 0. */
  faultRate?: number;
}

export interface SimulatedPool {
  /** @param model name in the published table, or `instant`; an unknown one has skill 0.3 everywhere. */
  client(model: string): ModelClient;
}

/** Builds the pool. Calls are numbered per task and model within this object. */
export function createSimulatedPool(options: SimulatedPoolOptions): SimulatedPool {
  const byPrompt = new Map(options.tasks.map((t) => [t.prompt, t]));
  const calls = new Map<string, number>();
  return {
    client: (model) =>
      model === INSTANT_MODEL
        ? instantClient
        : {
            complete: async (request, signal) => {
              const task = byPrompt.get(request.prompt);
              const key = `${task?.id} ${model}`;
              const call = (calls.get(key) ?? 0) + 1;
              calls.set(key, call);
              return answer({ options, model, task, call }, request, signal);
            },
          },
  };
}

interface Question {
  options: SimulatedPoolOptions;
  model: string;
  task: ExampleTask | undefined;
  call: number;
}

async function answer(
  q: Question,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompletionResult> {
  const latencyMs = latencyOf(q);
  try {
    await sleep(latencyMs, undefined, { signal });
  } catch {
    return failure('cancelled', 'the call was cancelled', latencyMs, {
      retryable: false,
      mayHaveBeenBilled: true,
    });
  }
  if (luck(q, 'fault', q.model, q.call) < (q.options.faultRate ?? 0)) return injectedFault(q, latencyMs);
  const text = q.task
    ? fenced(q.task, isRight(q, q.task) ? q.task.correct : wrongAnswer(q, q.task))
    : 'I am a simulated model: the simulated pool can only answer the bundled example tasks. Name real models in models.yaml.';
  const answerTokens = Math.ceil(text.length / 4);
  const reasoningTokens = Math.ceil(
    answerTokens * (PROFILES[q.model]?.reasoning ?? 1) * (0.5 + luck(q, 'tokens', q.model, q.call)),
  );
  const inputTokens = Math.ceil(((request.system?.length ?? 0) + request.prompt.length) / 4);
  const outputTokens = Math.min(request.maxOutputTokens, answerTokens + reasoningTokens);
  return {
    kind: 'answered',
    text,
    usage: {
      inputTokens,
      outputTokens,
      cachedInputTokens: 0,
      reasoningTokens: Math.min(reasoningTokens, outputTokens),
    },
    responseModel: `simulated/${q.model}`,
    finishReason: 'stop',
    latencyMs,
  };
}

function isRight(q: Question, task: ExampleTask): boolean {
  const skill = PUBLISHED_PRIOR.score[task.dimension]?.[q.model] ?? 0.3;
  // One of three uniform draws is used, chosen by a fourth, so that the one used is uniform, too.
  if (luck(q, 'whose', q.model) < SHARED) return luck(q, 'task') < skill;
  const again = luck(q, 'again', q.model, q.call) < PERSISTENT;
  return (again ? luck(q, 'model', q.model) : luck(q, 'call', q.model, q.call)) < skill;
}

function wrongAnswer(q: Question, task: ExampleTask): string {
  const pick = Math.floor(luck(q, 'which', q.model, q.call) * task.wrong.length);
  return task.wrong[pick] ?? '';
}

function latencyOf(q: Question): number {
  const seconds = PROFILES[q.model]?.seconds ?? 8;
  // Long-tailed as real latencies are: between 0.4 and 2.7 times the typical value.
  const spread = Math.exp(2 * luck(q, 'latency', q.model, q.call) - 1);
  return seconds * spread * 1_000 * (q.options.latencyScale ?? 0.01);
}

function injectedFault(q: Question, latencyMs: number): Failed {
  const limited = luck(q, 'kind', q.model, q.call) < 0.5;
  return {
    ...failure(limited ? 'rate-limited' : 'server-error', 'simulated fault', latencyMs, {
      retryable: true,
      mayHaveBeenBilled: false,
    }),
    statusCode: limited ? 429 : 500,
  };
}

const failure = (
  kind: Failed['failure'],
  message: string,
  latencyMs: number,
  rest: Pick<Failed, 'retryable' | 'mayHaveBeenBilled'>,
): Failed => ({
  kind: 'failed',
  failure: kind,
  message,
  latencyMs,
  ...rest,
});

const fenced = (task: ExampleTask, code: string): string =>
  `\`\`\`${task.language}\n${code.trimEnd()}\n\`\`\``;

/** Uniform in [0, 1), fixed by seed, task and `parts`. */
function luck(q: Question, ...parts: (string | number)[]): number {
  const text = [q.options.seed ?? 1, q.task?.id ?? '', ...parts].join('\0');
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
