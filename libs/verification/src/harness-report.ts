/** What the harness says about one check inside the sandbox; see harness/. */
export interface CheckReport {
  status: 'passed' | 'failed' | 'crashed' | 'syntax' | 'unfit' | 'timed-out' | 'died' | 'empty';
  message?: string;
  line?: number | null;
  passed?: number;
  total?: number;
  skipped?: number;
  failures?: unknown[];
  ms?: number;
}

export interface HarnessReport {
  /** Index of the program that was taken; `null` when none parsed. */
  chosen: number | null;
  checks: Partial<Record<'tests' | 'examples' | 'syntax', CheckReport>>;
  /** What the tests and the answer printed, at most 2,000 characters. */
  printed: string;
}

const STATUSES = new Set(['passed', 'failed', 'crashed', 'syntax', 'unfit', 'timed-out', 'died', 'empty']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Finds the report in the output: the one line that begins with this run's token. `null` without one: then the
 * harness did not get to its end, and whatever else was printed or returned counts for nothing.
 */
export function readReport(stdout: string, token: string): HarnessReport | null {
  const at = stdout.lastIndexOf(`\n${token}{`);
  if (at < 0) return null;
  const line = stdout.slice(at + 1 + token.length).split('\n')[0] as string;
  try {
    const parsed: unknown = JSON.parse(line);
    if (!isObject(parsed) || !isObject(parsed['checks'])) return null;
    const sound = Object.values(parsed['checks']).every(
      (c) => isObject(c) && STATUSES.has(String(c['status'])),
    );
    return sound ? (parsed as unknown as HarnessReport) : null;
  } catch {
    return null;
  }
}
