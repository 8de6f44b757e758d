import type { ReportFormat, TestCase } from '@acrouter/domain/verification/test-report';
import { sumsOf } from '@acrouter/domain/verification/test-report';
import { PlantedResults, type Planted } from '@acrouter/domain/verification/planted';
import type { Finding, SignalStatus } from '@acrouter/domain/verification/signals';
import type { SandboxResult } from '@acrouter/sandbox/sandbox';
import { readReportedRun } from './reported-run';
import { readTestReport } from './reports/read-report';

/** Whether the answer ran apart from the tests; without it, tests share their process with it. */
export type Isolation = 'own-sandbox' | 'none';

/** Tests of a finished run, or how it counts without them. */
export type Tested =
  | { kind: 'tested'; tests: TestCase[]; exitCode: number }
  | { kind: 'no-report'; status: SignalStatus; reason: string };

/** Reads the report of a run that {@link reportedRequest} asked for. */
export function testedBy(result: SandboxResult, token: string, format: ReportFormat): Tested {
  const run = readReportedRun(result, token);
  if (run.kind === 'not-prepared') return { kind: 'no-report', status: 'refused', reason: run.reason };
  if (run.kind === 'cut-off') return { kind: 'no-report', ...endOf(result) };
  const failed = (reason: string) => ({ kind: 'no-report' as const, status: 'failed' as const, reason });
  if (run.tooLong) return failed('the report is longer than 8 MB');
  if (run.reports.length === 0)
    return failed(`the command ended with exit code ${run.exitCode} and without the report it should write`);
  const read = readTestReport(format, run.reports);
  return read.kind === 'read'
    ? { kind: 'tested', tests: read.tests, exitCode: run.exitCode }
    : failed(`the report counts for nothing: ${read.reason}`);
}

/** How a sandbox that ended before its command counts. */
export function endOf({ outcome }: SandboxResult): { status: SignalStatus; reason: string } {
  switch (outcome.kind) {
    case 'timed-out':
      return { status: 'timed-out', reason: `${outcome.limit} time limit` };
    case 'out-of-memory':
      return { status: 'out-of-memory', reason: 'memory limit' };
    case 'output-flood':
      return { status: 'killed', reason: 'output limit' };
    case 'killed':
      return { status: 'killed', reason: `killed by ${outcome.signal}` };
    case 'ended':
      return { status: 'killed', reason: 'the sandbox ended before the command did' };
    case 'not-started':
      return { status: 'refused', reason: outcome.reason };
    case 'cancelled':
      return { status: 'refused', reason: 'cancelled' };
  }
}

/** What every finding of a command carries. */
export const outputOf = (result: SandboxResult) => ({
  outcome: result.outcome,
  ...(result.limitsHit.length > 0 ? { limitsHit: result.limitsHit } : {}),
  output: result.stderr.slice(-1_000),
});

/** A finding without a report. */
export function withoutReport(
  tested: Extract<Tested, { kind: 'no-report' }>,
  evidence: Record<string, unknown>,
): Finding {
  const { status, reason } = tested;
  const score = status === 'refused' || status === 'unavailable' ? null : 0;
  return { kind: 'tests', status, score, evidence: { given: true, ...evidence, reason } };
}

/** `2 of 7 tests failed: a; b`, with what the first one said. */
export function failureLine(
  total: number,
  failures: readonly { name: string; message: string | null }[],
): string {
  const names = failures.map((f) => f.name);
  const more = failures[0]?.message ? ` (${failures[0].message.split('\n')[0]})` : '';
  return `${names.length} of ${total} tests failed: ${names.slice(0, 5).join('; ')}${names.length > 5 ? '; …' : ''}${more}`;
}

/** Why the planted tests of some files show that results were made up, or `null`. */
export function forgery(paths: readonly string[], results: PlantedResults): string | null {
  const bad = paths.find((path) => results.state(path) !== 'right');
  if (bad === undefined) return null;
  return results.state(bad) === 'wrong'
    ? `tests of ${bad} that must fail did not: the results are not those of the tests`
    : `tests of ${bad} are not in the report: it ended early, was not run, or the report is not its own`;
}

/**
 * Score of a report: the share of passed tests. Passed when all did and, where no tests were planted, the command
 * says so too; no test at all says nothing. Planted tests with other results than they must have fail the answer.
 */
export function reportFinding(
  result: SandboxResult,
  tested: Tested,
  context: { format: ReportFormat; isolation: Isolation; planted: readonly Planted[] },
): Finding {
  const { format, isolation, planted } = context;
  const common = { isolation, report: format, ...outputOf(result) };
  if (tested.kind === 'no-report') return withoutReport(tested, common);
  const results = new PlantedResults(planted, tested.tests);
  const { failures, share, ...counts } = sumsOf(results.tests);
  const { exitCode } = tested;
  const evidence = { given: true, ...common, ...counts, exitCode, planted: planted.length, failures };
  const fail = (score: number, message: string): Finding => ({
    kind: 'tests',
    status: 'failed',
    score,
    evidence: { ...evidence, message },
  });
  if (tested.tests.length === 0 || (share === null && planted.length === 0)) {
    const reason = 'no test was run';
    return { kind: 'tests', status: 'unavailable', score: null, evidence: { ...evidence, reason } };
  }
  const forged = forgery(
    planted.map((p) => p.path),
    results,
  );
  if (forged !== null) return fail(0, forged);
  if (share === null) {
    const reason = 'no test was run';
    return { kind: 'tests', status: 'unavailable', score: null, evidence: { ...evidence, reason } };
  }
  if (counts.failed > 0) return fail(share, failureLine(counts.passed + counts.failed, failures));
  if (planted.length === 0 && exitCode !== 0)
    return fail(0, `every test of the report passed, but the command ended with exit code ${exitCode}`);
  return { kind: 'tests', status: 'passed', score: 1, evidence };
}
