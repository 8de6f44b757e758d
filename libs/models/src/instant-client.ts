import type { ModelClient } from './model-client';

/** Name of the simulated model that answers at once. */
export const INSTANT_MODEL = 'instant';

const TEXT = '```python\ndef area(width, height):\n    return width * height\n```\n';

/**
 * A model that answers every prompt at once with the same program, and reports its usage: what is left of an
 * attempt is the product's own work. For `acr bench load`; like the whole simulated pool it calls nobody.
 */
export const instantClient: ModelClient = {
  complete: (request) =>
    Promise.resolve({
      kind: 'answered',
      text: TEXT,
      usage: {
        inputTokens: Math.ceil(request.prompt.length / 4),
        outputTokens: 24,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      },
      responseModel: INSTANT_MODEL,
      finishReason: 'stop',
      latencyMs: 0,
    }),
};
