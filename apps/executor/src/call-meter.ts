import { costOf, type Price, type Usage } from '@acrouter/domain/task';
import type { ModelEntry } from '@acrouter/config/models-file';
import type { Answered, CompletionRequest, CompletionResult } from '@acrouter/models/model-client';
import { currentTrace, formatTraceparent } from '@acrouter/queue/trace';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { Injectable, Optional } from '@nestjs/common';

/** Counts calls and money for Prometheus. The ledger is the truth; these are for rates and alerts. */
@Injectable()
export class CallMeter {
  constructor(
    private readonly metrics: Metrics,
    @Optional() private readonly tracing: Tracing = new Tracing({ service: 'executor' }),
  ) {
    for (const model of metrics.knownModels) {
      metrics.unknownCalls.inc({ model }, 0);
      for (const result of ['answered', 'server-error']) metrics.calls.inc({ model, result }, 0);
    }
  }

  count(modelId: string, result: CompletionResult, price: Price): void {
    const model = this.metrics.modelLabel(modelId);
    this.metrics.calls.inc({ model, result: result.kind === 'answered' ? 'answered' : result.failure });
    this.metrics.stageDuration.observe({ stage: 'execute' }, result.latencyMs / 1_000);
    if (result.kind === 'answered' && typeof result.costUsd === 'number') {
      if (result.costUsd > 0) this.metrics.costUsd.inc({ model, component: 'call' }, result.costUsd);
      return;
    }
    if (result.kind === 'failed' || result.costUsd === null || result.usage === null) {
      this.metrics.unknownCalls.inc({ model });
      return;
    }
    for (const [component, usd] of Object.entries(costParts(result.usage, price)))
      if (usd > 0) this.metrics.costUsd.inc({ model, component }, usd);
  }

  /** One `chat` span per call. Prompt and answer are in it only when the operator asked for that. */
  trace(
    entry: Pick<ModelEntry, 'provider' | 'model'>,
    request: CompletionRequest,
    result: CompletionResult,
  ): void {
    const above = currentTrace();
    const endMs = Date.now();
    this.tracing.record({
      name: `chat ${entry.model}`,
      kind: 'client',
      parent: above && formatTraceparent(above),
      startMs: endMs - result.latencyMs,
      endMs,
      error: result.kind === 'failed' ? result.failure : undefined,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': entry.provider,
        'gen_ai.request.model': entry.model,
        'gen_ai.request.max_tokens': request.maxOutputTokens,
        ...(result.kind === 'failed' ? { 'error.type': result.failure } : answerAttributes(result)),
        ...(this.tracing.withPrompts ? textAttributes(request, result) : {}),
      },
    });
  }
}

function answerAttributes(result: Answered) {
  return {
    'gen_ai.response.model': result.responseModel,
    'gen_ai.response.finish_reasons': [result.finishReason],
    'gen_ai.usage.input_tokens': result.usage?.inputTokens,
    'gen_ai.usage.output_tokens': result.usage?.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': result.usage?.cachedInputTokens,
  };
}

function textAttributes(request: CompletionRequest, result: CompletionResult) {
  const message = (role: string, content: string) =>
    JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
  return {
    'gen_ai.input.messages': message('user', request.prompt),
    ...(result.kind === 'answered' ? { 'gen_ai.output.messages': message('assistant', result.text) } : {}),
  };
}

/** Cost of a call in USD by component; the parts sum to `costOf`. */
export function costParts(usage: Usage, price: Price): Record<string, number> {
  const none: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  const {
    inputTokens: input,
    outputTokens: output,
    cachedInputTokens: cached,
    reasoningTokens: reasoning,
  } = usage;
  const cost = (part: Partial<Usage>) => costOf({ ...none, ...part }, price) ?? 0;
  return {
    input: cost({ inputTokens: input - cached }),
    cached_input: cost({ inputTokens: cached, cachedInputTokens: cached }),
    output: cost({ outputTokens: output - reasoning }),
    reasoning: cost({ outputTokens: reasoning, reasoningTokens: reasoning }),
  };
}
