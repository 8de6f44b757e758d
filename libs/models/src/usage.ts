import type { Usage } from '@acrouter/domain/task';
import type { LanguageModelUsage } from 'ai';

/** Names of the totals in the providers' own bodies: chat completions, responses and Anthropic, Gemini. */
const INPUT_FIELDS = ['prompt_tokens', 'input_tokens', 'promptTokenCount'];
const OUTPUT_FIELDS = ['completion_tokens', 'output_tokens', 'candidatesTokenCount', 'thoughtsTokenCount'];

/**
 * Tokens of a call, or `null` when the provider did not report them.
 * The SDK turns a missing field into 0, so that the provider's own body is asked whether there was one.
 * Cached and reasoning tokens are cut to their totals: a provider that reports more would make a cost negative.
 */
export function usageOf(reported: LanguageModelUsage): Usage | null {
  if (!hasNumber(reported.raw, INPUT_FIELDS) || !hasNumber(reported.raw, OUTPUT_FIELDS)) return null;
  const inputTokens = count(reported.inputTokens);
  const outputTokens = count(reported.outputTokens);
  if (inputTokens === null || outputTokens === null) return null;
  const cached = count(reported.inputTokenDetails?.cacheReadTokens) ?? 0;
  const reasoning = count(reported.outputTokenDetails?.reasoningTokens) ?? 0;
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}

const count = (n: number | undefined): number | null =>
  typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : null;

const hasNumber = (raw: unknown, fields: readonly string[]): boolean =>
  typeof raw === 'object' &&
  raw !== null &&
  fields.some((f) => typeof (raw as Record<string, unknown>)[f] === 'number');
