import type { VerifyMessage } from '@acrouter/contracts/messages';
import { currentTrace, formatTraceparent } from '@acrouter/queue/trace';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import type { Verdict } from '@acrouter/verification/verdict';
import { Injectable } from '@nestjs/common';
import { checkSpan } from './check-span';

const CHECK_RESULTS = ['passed', 'failed', 'inconclusive', 'refused'] as const;

/** Counts verdicts for Prometheus and records a span of each. */
@Injectable()
export class CheckMeter {
  constructor(
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {
    for (const result of CHECK_RESULTS) metrics.checks.inc({ result }, 0);
  }

  record({ taskId, attempt }: VerifyMessage, verdict: Verdict, workMs: number): void {
    this.metrics.stageDuration.observe({ stage: 'verify' }, workMs / 1000);
    this.metrics.checks.inc({ result: resultOf(verdict) });
    if (verdict.conclusive) this.metrics.verificationScore.observe(verdict.score);
    const above = currentTrace();
    const parent = above && formatTraceparent(above);
    const { withPrompts } = this.tracing;
    const endMs = Date.now();
    this.tracing.record(
      checkSpan(verdict, { taskId, attempt, startMs: endMs - workMs, endMs, parent, withPrompts }),
    );
  }
}

function resultOf(verdict: Verdict): (typeof CHECK_RESULTS)[number] {
  if (verdict.refused !== null) return 'refused';
  if (!verdict.conclusive) return 'inconclusive';
  return verdict.passed ? 'passed' : 'failed';
}
