import { speaks, type Finding } from '@acrouter/domain/verification/signals';
import { MAX_LISTED } from '@acrouter/domain/verification/test-report';
import type { Checked, VerifyDependencies } from './check';

/** Name that stands for a whole check, where single tests are not known. */
const WHOLE_CHECK = '*';

/** One run of a check that was repeated, as the evidence keeps it. */
interface Run {
  status: Finding['status'];
  score: number | null;
  /** Names of the tests that failed, as far as they are known. */
  failed: string[];
  reason: string | null;
}

/** The finding that decides, if one does. */
const deciding = ({ findings }: Checked): Finding | undefined =>
  findings.find((f) => f.kind === 'tests' && speaks(f)) ??
  findings.find((f) => f.kind === 'prompt-tests' && speaks(f));

/** Names of the failed tests; the whole check where the evidence does not name them. */
export function failedTests(finding: Finding): string[] {
  if (finding.status === 'passed') return [];
  const failures = finding.evidence['failures'];
  const names = Array.isArray(failures)
    ? failures.map((f: unknown) => (f as { name?: unknown } | null)?.name)
    : [];
  const known = names.filter((name): name is string => typeof name === 'string');
  const complete = known.length > 0 && known.length === names.length && known.length < MAX_LISTED;
  return complete ? known : [WHOLE_CHECK];
}

/** Tests on which two runs of the same answer disagree; nothing where one of two failures does not name its tests. */
function disagreed(before: Finding, after: Finding): string[] {
  const [was, is] = [failedTests(before), failedTests(after)];
  if (is.length > 0 && (was.includes(WHOLE_CHECK) || is.includes(WHOLE_CHECK))) return [];
  return [...was.filter((n) => !is.includes(n)), ...is.filter((n) => !was.includes(n))];
}

/** Why a failed check deserves a second run: its wall clock ran out, or all that failed is known to be flaky. */
async function reasonToRepeat(
  finding: Finding | undefined,
  deps: VerifyDependencies,
): Promise<'time-out' | 'history' | null> {
  if (!finding || finding.status === 'passed') return null;
  const outcome = finding.evidence['outcome'] as { limit?: string } | undefined;
  if (finding.status === 'timed-out') return outcome?.limit === 'cpu' ? null : 'time-out';
  if (finding.status !== 'failed' || !deps.flaky) return null;
  const flaky = await deps.flaky();
  const failed = failedTests(finding);
  return failed.every((name) => flaky.has(name)) ? 'history' : null;
}

const runOf = (finding: Finding): Run => {
  const reason = finding.evidence['message'] ?? finding.evidence['reason'];
  return {
    status: finding.status,
    score: finding.score,
    failed: failedTests(finding),
    reason: typeof reason === 'string' ? reason.slice(0, 300) : null,
  };
};

/**
 * Runs a check, and once more when it failed for a reason that may go away. The second run decides; both are kept in
 * the evidence (`runs`), and what they disagree on (`disagreed`) is the history that later checks ask. A pass that
 * needed a second run is `flaky`: it counts, with less certainty (see scoreOf).
 */
export async function withRepeat(once: () => Promise<Checked>, deps: VerifyDependencies): Promise<Checked> {
  const first = await once();
  const before = deciding(first);
  const repeated = await reasonToRepeat(before, deps);
  if (!before || repeated === null || deps.signal?.aborted) return first;
  const second = await once();
  const after = second.findings.find((f) => f.kind === before.kind);
  if (!after || !speaks(after)) return first;
  const flaky = after.status === 'passed';
  const message = flaky ? `passed when repeated; the first run ${before.status}` : after.evidence['message'];
  after.evidence = {
    ...after.evidence,
    ...(message === undefined ? {} : { message }),
    repeated,
    runs: [runOf(before), runOf(after)],
    disagreed: disagreed(before, after),
    flaky,
  };
  return second;
}
