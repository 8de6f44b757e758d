import type { FinishedSpan } from '@acrouter/telemetry/tracing';
import type { Verdict } from '@acrouter/verification/verdict';

/** What a check's span says besides its times. */
export interface CheckFacts {
  taskId: string;
  attempt: number;
  startMs: number;
  endMs: number;
  /** W3C; the delivery's own span. */
  parent: string | undefined;
  /** Whether words of models may be in it: a judge's reason is one. */
  withPrompts: boolean;
}

/**
 * The span `check` of one verdict, with one event `gen_ai.evaluation.result` per signal and one for the whole
 * (OpenTelemetry GenAI conventions). A signal that says nothing has a label and no value.
 */
export function checkSpan(verdict: Verdict, facts: CheckFacts): FinishedSpan {
  const results = verdict.signals.map((s) => ({
    'gen_ai.evaluation.name': s.kind,
    'gen_ai.evaluation.score.label': s.status,
    'acrouter.evaluation.weight': s.weight,
    ...(s.score === null ? {} : { 'gen_ai.evaluation.score.value': s.score }),
    ...(facts.withPrompts ? explanationOf(s.evidence) : {}),
  }));
  const label = !verdict.conclusive ? 'inconclusive' : verdict.passed ? 'passed' : 'failed';
  const whole = {
    'gen_ai.evaluation.name': 'verdict',
    'gen_ai.evaluation.score.label': label,
    'gen_ai.evaluation.score.value': verdict.score,
    'acrouter.evaluation.confidence': verdict.confidence,
  };
  return {
    name: 'check',
    parent: facts.parent,
    startMs: facts.startMs,
    endMs: facts.endMs,
    attributes: {
      'acrouter.task.id': facts.taskId,
      'acrouter.attempt': facts.attempt,
      'acrouter.sandbox': verdict.sandbox ?? 'none',
      'acrouter.language': verdict.language ?? 'unknown',
    },
    events: [...results, whole].map((attributes) => ({ name: 'gen_ai.evaluation.result', attributes })),
  };
}

function explanationOf(evidence: Record<string, unknown>): { 'gen_ai.evaluation.explanation'?: string } {
  const said = evidence['message'] ?? evidence['reason'];
  return typeof said === 'string' && said !== '' ? { 'gen_ai.evaluation.explanation': said } : {};
}
