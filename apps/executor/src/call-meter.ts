import { costOf, type Price, type Usage } from '@acrouter/domain/task';
import type { CompletionResult } from '@acrouter/models/model-client';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Injectable } from '@nestjs/common';

/** Counts calls and money for Prometheus. The ledger is the truth; these are for rates and alerts. */
@Injectable()
export class CallMeter {
  constructor(private readonly metrics: Metrics) {
    for (const model of metrics.knownModels) {
      metrics.unknownCalls.inc({ model }, 0);
      for (const result of ['answered', 'server-error']) metrics.calls.inc({ model, result }, 0);
    }
  }

  count(modelId: string, result: CompletionResult, price: Price): void {
    const model = this.metrics.modelLabel(modelId);
    this.metrics.calls.inc({ model, result: result.kind === 'answered' ? 'answered' : result.failure });
    this.metrics.stageDuration.observe({ stage: 'execute' }, result.latencyMs / 1_000);
    if (result.kind === 'failed' || result.usage === null) {
      this.metrics.unknownCalls.inc({ model });
      return;
    }
    for (const [component, usd] of Object.entries(costParts(result.usage, price)))
      if (usd > 0) this.metrics.costUsd.inc({ model, component }, usd);
  }
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
