import type { ModelEntry } from '@acrouter/config/models-file';
import type { CompletionResult } from '@acrouter/models/model-client';
import { currentTrace, formatTraceparent } from '@acrouter/queue/trace';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { Injectable } from '@nestjs/common';

/** Counts the calls that checks make, and records a span of each. The ledger is the truth of their cost. */
@Injectable()
export class CallMeter {
  constructor(
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {}

  /** @param costUsd `null` = unknown, which is counted apart. */
  record(
    entry: Pick<ModelEntry, 'id' | 'provider' | 'model'>,
    result: CompletionResult,
    costUsd: number | null,
  ): void {
    const model = this.metrics.modelLabel(entry.id);
    this.metrics.calls.inc({ model, result: result.kind === 'answered' ? 'answered' : result.failure });
    if (costUsd === null) this.metrics.unknownCalls.inc({ model });
    else if (costUsd > 0) this.metrics.costUsd.inc({ model, component: 'verification' }, costUsd);
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
        ...(result.kind === 'failed'
          ? { 'error.type': result.failure }
          : {
              'gen_ai.response.model': result.responseModel,
              'gen_ai.usage.input_tokens': result.usage?.inputTokens,
              'gen_ai.usage.output_tokens': result.usage?.outputTokens,
            }),
      },
    });
  }
}
