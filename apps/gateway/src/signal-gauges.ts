import type { ModelsFile } from '@acrouter/config/models-file';
import type { Database } from '@acrouter/db/client';
import { readAllPairs } from '@acrouter/db/opinion-store';
import { LEARNT_SIGNALS, trustOf } from '@acrouter/domain/verification/calibration';
import { BELIEVED_RELIABILITY } from '@acrouter/domain/verification/score';
import type { SignalKind } from '@acrouter/domain/verification/signals';
import { DATABASE, MODELS } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Inject, Injectable } from '@nestjs/common';
import { ScrapeSources } from './scrape-sources.service';

/** Read anew at most so often, however many scrape, ms. */
const MAX_AGE_MS = 60_000;

/**
 * What given tests taught about the signals that judge answers without tests, over all tenants. Of judges only the
 * one in use counts; without one there is no series for it.
 */
@Injectable()
export class SignalGauges {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(MODELS) private readonly pool: ModelsFile,
    private readonly metrics: Metrics,
    sources: ScrapeSources,
  ) {
    sources.add({
      name: 'signals',
      maxAgeMs: MAX_AGE_MS,
      refresh: () => this.refresh(),
      leaveOut: () => this.leaveOut(),
    });
  }

  private async refresh(): Promise<void> {
    for (const kind of LEARNT_SIGNALS) {
      const source = this.sourceOf(kind);
      if (source === null) continue;
      const trust = trustOf(await readAllPairs(this.db, { kind, source }), [], BELIEVED_RELIABILITY[kind]);
      const signal = { signal: kind };
      this.metrics.signalPairs.set(signal, trust.pairs);
      this.metrics.signalBias.set(signal, trust.bias);
      this.metrics.signalReliability.set(signal, trust.reliability);
      this.metrics.signalWeight.set(signal, trust.weightFactor);
    }
  }

  private leaveOut(): void {
    const { signalPairs, signalBias, signalReliability, signalWeight } = this.metrics;
    for (const gauge of [signalPairs, signalBias, signalReliability, signalWeight]) gauge.reset();
  }

  /** Who speaks a signal: the judge's model, '' where nobody does, `null` without a judge. */
  private sourceOf(kind: SignalKind): string | null {
    return kind === 'judge' ? (this.pool.verification.judge?.model ?? null) : '';
  }
}
