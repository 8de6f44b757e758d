import type { SandboxResult } from '@acrouter/sandbox/sandbox';
import { silent, type Finding, type SignalStatus } from '@acrouter/domain/verification/signals';
import type { CheckReport } from './harness-report';
import type { HarnessRun } from './harness-run';

/** Why a run counts as failed although it gave no report, or `null` when that is not the answer's doing. */
function failureOf(result: SandboxResult): { status: SignalStatus; reason: string } | null {
  switch (result.outcome.kind) {
    case 'timed-out':
      return { status: 'timed-out', reason: `${result.outcome.limit} time limit` };
    case 'out-of-memory':
      return { status: 'out-of-memory', reason: 'memory limit' };
    case 'output-flood':
      return { status: 'killed', reason: 'output limit' };
    case 'killed':
      return { status: 'killed', reason: result.outcome.signal };
    case 'ended':
      return {
        status: 'failed',
        reason: `ended with exit code ${result.outcome.exitCode} before the tests did`,
      };
    case 'cancelled':
    case 'not-started':
      return null;
  }
}

/** Why a run says nothing: it never came to the answer. */
function refusalOf({ outcome, stderr }: SandboxResult): string {
  if (outcome.kind === 'not-started') return outcome.reason;
  if (outcome.kind === 'cancelled') return 'cancelled';
  return `the check did not begin (${outcome.kind}): ${stderr.slice(0, 300)}`;
}

const small = (result: SandboxResult) => ({
  limitsHit: result.limitsHit,
  ms: Math.round(result.durationMs),
  ...(result.stderr ? { stderr: result.stderr.slice(0, 500) } : {}),
});

function scoreOfReport(report: CheckReport): number {
  if (report.status === 'passed') return 1;
  if (!report.total || report.passed === undefined) return 0;
  return report.passed / report.total;
}

const STATUS: Record<CheckReport['status'], SignalStatus> = {
  passed: 'passed',
  failed: 'failed',
  crashed: 'failed',
  syntax: 'failed',
  unfit: 'failed',
  died: 'killed',
  'timed-out': 'timed-out',
  empty: 'unavailable',
};

/** Signal of one executed check. `given`: the task came with these tests, so their absence leaves it unverified. */
export function executedFinding(
  kind: 'tests' | 'prompt-tests',
  run: HarnessRun,
  check: CheckReport | undefined,
): Finding {
  const given = kind === 'tests';
  if (check) {
    const { status, ...evidence } = check;
    if (status === 'empty') {
      const reason = check.message ?? 'no example of the prompt could be evaluated';
      return { kind, status: 'unavailable', score: null, evidence: { given, reason } };
    }
    const printed = given && run.report?.printed ? { printed: run.report.printed.slice(0, 500) } : {};
    const oom = status === 'died' && run.result.limitsHit.includes('memory');
    return {
      kind,
      status: oom ? 'out-of-memory' : STATUS[status],
      score: scoreOfReport(check),
      evidence: { given, end: status, ...evidence, ...printed, limitsHit: run.result.limitsHit },
    };
  }
  const failure = run.began ? failureOf(run.result) : null;
  if (!failure) {
    const reason = refusalOf(run.result);
    return { kind, status: 'refused', score: null, evidence: { given, reason } };
  }
  return {
    kind,
    status: failure.status,
    score: 0,
    evidence: { given, reason: failure.reason, ...small(run.result) },
  };
}

/** Signal of the parser, from whichever check ran it. */
export function syntaxFinding(run: HarnessRun): Finding {
  const reports = Object.values(run.report?.checks ?? {});
  const broken =
    reports.find((c) => c.status === 'syntax') ??
    (run.report?.checks.syntax?.status === 'failed' ? run.report.checks.syntax : undefined);
  if (broken)
    return { kind: 'syntax', status: 'failed', score: 0, evidence: { message: broken.message ?? '' } };
  if (typeof run.report?.chosen === 'number')
    return { kind: 'syntax', status: 'passed', score: 1, evidence: {} };
  return silent('syntax', 'unavailable', 'the parser gave no result');
}
