import type { ModelEntry } from '@acrouter/config/models-file';
import { AcrError } from '@acrouter/domain/errors';
import type { Verdict } from '@acrouter/verification/verdict';

/**
 * A verdict on nothing may only ever be about simulated models, whose results count nowhere.
 * @throws AcrError ACR_CONFIG_INVALID when a real model is in the pool.
 */
export function refusePretence(models: readonly Pick<ModelEntry, 'id' | 'provider'>[]): void {
  const real = models.find((m) => m.provider !== 'simulated');
  if (real)
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `ACR_PRETEND_CHECK_MS is for load tests of simulated models and ${real.id} is a real one: unset it.`,
    );
}

/** What `ACR_PRETEND_CHECK_MS` gives every answer: passed, by no sandbox. */
export function pretendedVerdict(answer: string, durationMs: number): Verdict {
  return {
    passed: true,
    score: 1,
    confidence: 1,
    conclusive: true,
    signals: [],
    code: answer,
    way: null,
    language: null,
    durationMs,
    sandbox: null,
    refused: null,
  };
}
