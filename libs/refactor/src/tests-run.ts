import type { SandboxResult } from '@acrouter/sandbox/sandbox';

/** Summary lines of test runners: unittest, node --test, and those that say "12 passed" or "12 passing". */
const SUMMARIES = [/^Ran (\d+) tests? in /gm, /^[#ℹ] tests (\d+)$/gm, /\b(\d+) pass(?:ed|ing)\b/gm];

/**
 * How many tests a green command says that it ran: the sum of all numbers in its summaries, to be compared with that of
 * the same command only. `null` when it says nothing of the kind, or too much to have been kept whole.
 */
export function testsRun({
  stdout,
  stderr,
  outputTruncated,
}: Pick<SandboxResult, 'stdout' | 'stderr' | 'outputTruncated'>): number | null {
  if (outputTruncated) return null;
  const output = `${stdout}\n${stderr}`.replaceAll(/\u001b\[[\d;]*m/g, '');
  const numbers = SUMMARIES.flatMap((summary) => Array.from(output.matchAll(summary), ([, n]) => Number(n)));
  return numbers.length === 0 ? null : numbers.reduce((sum, n) => sum + n, 0);
}

/** Why a green command does not count: it ran fewer tests than before any change. `null` when it counts. */
export function fewerTests(before: number | null, now: number | null): string | null {
  if (before === null || before <= (now ?? 0)) return null;
  return `it ended with code 0, but its summary tells of ${now ?? 'no'} tests instead of ${before} before any change`;
}
