import { scoreOf, type Scoring } from '@acrouter/domain/verification/score';
import type { Finding } from '@acrouter/domain/verification/signals';
import type { Verdict } from './verdict';

/** The same verdict with further findings, all of them weighed anew. */
export function withFindings(verdict: Verdict, further: readonly Finding[], scoring: Scoring): Verdict {
  const own = verdict.signals.map(({ kind, status, score, evidence }) => ({ kind, status, score, evidence }));
  return { ...verdict, ...scoreOf([...own, ...further], scoring) };
}
