import type { ModelsFile } from '@acrouter/config/models-file';
import { attemptsOf } from '@acrouter/db/attempt-store';
import type { Database } from '@acrouter/db/client';
import type { CalibrationPair } from '@acrouter/db/opinion-store';
import type { Dimension } from '@acrouter/domain/task';
import { LEARNT_SIGNALS } from '@acrouter/domain/verification/calibration';
import { speaks, type Signal } from '@acrouter/domain/verification/signals';
import { DATABASE, MODELS } from '@acrouter/service/tokens';
import { withFindings } from '@acrouter/verification/rescore';
import type { Verdict } from '@acrouter/verification/verdict';
import { Inject, Injectable } from '@nestjs/common';
import { ConsistencyService } from './consistency.service';
import { JudgeService } from './judge.service';
import type { Judged } from './judged';
import { TrustBook } from './trust-book';

/** A verdict with the opinions weighed in, and what it teaches about them. */
export interface Weighed {
  verdict: Verdict;
  /** Whether the given tests passed, with what other signals said; `null` when no given tests ran. */
  learnt: { wasRight: boolean; pairs: CalibrationPair[] } | null;
}

/** Adds to what was executed what others say, weighed by what their word was worth so far. */
@Injectable()
export class OpinionsService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(MODELS) private readonly pool: Pick<ModelsFile, 'models' | 'verification'>,
    private readonly consistency: ConsistencyService,
    private readonly judge: JudgeService,
    private readonly trusts: TrustBook,
  ) {}

  /** @param dimension whose weights hold. A verdict without signals (a pretended one) is left alone. */
  async weigh(given: Omit<Judged, 'attempts'>, dimension: Dimension, signal: AbortSignal): Promise<Weighed> {
    const { task, row, executed } = given;
    if (executed.signals.length === 0) return { verdict: executed, learnt: null };
    const { weights, passOpinion, judge } = this.pool.verification;
    const judged = { ...given, attempts: row.attempt > 1 ? await attemptsOf(this.db, task.id) : [row] };
    const opinions = [
      await this.consistency.find(judged, signal),
      await this.judge.find(judged, signal),
    ].filter((finding) => finding !== null);
    const trusts = await this.trusts.trusts(task.tenant_id, dimension, judge?.model ?? null);
    const scoring = { weights: weights[dimension], passOpinion, trusts };
    const verdict = withFindings(executed, opinions, scoring);
    return { verdict, learnt: this.isSimulated(row.model) ? null : learntFrom(verdict.signals) };
  }

  /** What is said of made-up answers says nothing of real ones. */
  private isSimulated(model: string): boolean {
    return this.pool.models.some((m) => m.id === model && m.provider === 'simulated');
  }
}

function learntFrom(signals: readonly Signal[]): Weighed['learnt'] {
  const tests = signals.find((s) => s.kind === 'tests' && speaks(s) && s.evidence['given'] === true);
  if (!tests) return null;
  const pairs = signals
    .filter((s) => LEARNT_SIGNALS.includes(s.kind) && speaks(s))
    .map((s) => ({
      kind: s.kind,
      source: s.kind === 'judge' ? String(s.evidence['model'] ?? '') : '',
      said: Number(s.evidence['said'] ?? s.score),
    }));
  return { wasRight: tests.status === 'passed', pairs };
}
