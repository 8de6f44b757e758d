import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { ModelEntry } from '@acrouter/config/models-file';
import { AcrError } from '@acrouter/domain/errors';
import { generateText } from 'ai';
import type { LanguageModel } from 'ai';
import { classifyFailure } from './failure';
import type { CompletionRequest, CompletionResult, ModelClient } from './model-client';
import { usageOf } from './usage';

// The SDK prints its warnings (an unsupported temperature, say) on standard output, among our JSON logs.
globalThis.AI_SDK_LOG_WARNINGS = false;

/**
 * A client for a real provider, through the Vercel AI SDK with its own retries off.
 * `openai` speaks the Responses API (stored nowhere: `store: false`), the others their native chat API.
 * @throws AcrError ACR_CONFIG_INVALID for a simulated model, or an openai-compatible one without `baseUrl`.
 */
export function createSdkClient(entry: ModelEntry, apiKey: string | null): ModelClient {
  const model = languageModel(entry, apiKey);
  return { complete: (request, signal) => complete(entry, apiKey, model, request, signal) };
}

async function complete(
  entry: ModelEntry,
  apiKey: string | null,
  model: LanguageModel,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompletionResult> {
  const limit = AbortSignal.timeout(entry.limits.timeoutMs);
  const startedAt = performance.now();
  try {
    const result = await generateText({
      model,
      system: request.system,
      prompt: request.prompt,
      maxOutputTokens: request.maxOutputTokens,
      temperature: request.temperature,
      maxRetries: 0,
      abortSignal: AbortSignal.any([signal, limit]),
      providerOptions: { openai: { store: false } },
    });
    return {
      kind: 'answered',
      text: result.text,
      usage: usageOf(result.usage),
      responseModel: result.response.modelId,
      finishReason: result.finishReason,
      latencyMs: performance.now() - startedAt,
    };
  } catch (error) {
    return classifyFailure(error, {
      modelId: entry.id,
      apiKey,
      apiKeyEnv: entry.apiKeyEnv,
      timeoutMs: entry.limits.timeoutMs,
      latencyMs: performance.now() - startedAt,
      cancelled: signal.aborted,
      timedOut: limit.aborted,
      nowMs: Date.now(),
    });
  }
}

function languageModel(entry: ModelEntry, apiKey: string | null): LanguageModel {
  const baseURL = entry.baseUrl ?? undefined;
  // An empty key instead of none: the SDK would otherwise look into the environment by itself.
  const settings = { baseURL, apiKey: apiKey ?? '' };
  switch (entry.provider) {
    case 'openai':
      return createOpenAI(settings).responses(entry.model);
    case 'anthropic':
      return createAnthropic(settings)(entry.model);
    case 'google':
      return createGoogleGenerativeAI(settings)(entry.model);
    case 'openai-compatible':
      if (baseURL === undefined)
        throw new AcrError('ACR_CONFIG_INVALID', `Model ${entry.id} needs "baseUrl" in models.yaml.`);
      return createOpenAICompatible({ name: 'compatible', baseURL, apiKey: apiKey ?? undefined })(
        entry.model,
      );
    case 'simulated':
      throw new AcrError('ACR_CONFIG_INVALID', `Model ${entry.id} is simulated and has no provider to call.`);
    case 'cli':
      throw new AcrError('ACR_CONFIG_INVALID', `Model ${entry.id} is an agent and has no server to call.`);
  }
}
