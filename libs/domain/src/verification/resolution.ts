import { idOf, TestIndex, type TestCase } from './test-report';

/** Tests that a repository task names; see {@link TestIndex.find} for how. */
export interface RequiredTests {
  /** Fail before the change and must pass after it. Default: none. */
  failToPass?: readonly string[];
  /** Pass before and must still pass. Default: all that passed before. */
  passToPass?: readonly string[];
}

/** A required test that does not pass after the change. */
export interface Unmet {
  name: string;
  /** `missing`: the report does not have it. */
  status: 'failed' | 'skipped' | 'missing';
  message: string | null;
}

/** One of the two lists after the change. */
export interface ListResult {
  required: number;
  passed: number;
  unmet: Unmet[];
}

export type Resolution =
  | { kind: 'compared'; resolved: boolean; share: number; failToPass: ListResult; passToPass: ListResult }
  /** The task itself is wrong: nothing can be said of the answer. */
  | { kind: 'unusable'; reason: string };

/** Worst of the tests that go by one name. */
function statusOf(name: string, index: TestIndex): Unmet | null {
  const found = index.find(name);
  if (found.length === 0) return { name, status: 'missing', message: null };
  const bad = found.find((t) => t.status === 'failed') ?? found.find((t) => t.status === 'skipped');
  return bad ? { name, status: bad.status as 'failed' | 'skipped', message: bad.message } : null;
}

function check(names: readonly string[], after: TestIndex): ListResult {
  const unmet = names.flatMap((name) => statusOf(name, after) ?? []);
  return { required: names.length, passed: names.length - unmet.length, unmet };
}

/**
 * Judges a change by the tests before and after it (source: SWE-bench, arXiv 2310.06770, §2.1 and App. A.4):
 * resolved when every fail→pass test passes and every pass→pass test still does. A test that disappeared or is
 * skipped does not pass. `share` is that of the required tests which pass.
 */
export function compareRuns(
  before: readonly TestCase[],
  after: readonly TestCase[],
  required: RequiredTests,
): Resolution {
  const [past, now] = [new TestIndex(before), new TestIndex(after)];
  const failToPass = [...new Set(required.failToPass ?? [])];
  const passToPass = [...new Set(required.passToPass ?? passedBefore(before, past))].filter(
    (name) => !failToPass.includes(name),
  );
  const early = failToPass.find((name) => statusOf(name, past) === null);
  if (early !== undefined)
    return { kind: 'unusable', reason: `"${early}" should fail before the change, but passes` };
  const broken = passToPass.find((name) => statusOf(name, past) !== null);
  if (broken !== undefined)
    return { kind: 'unusable', reason: `"${broken}" should pass before the change, but does not` };
  const total = failToPass.length + passToPass.length;
  if (total === 0)
    return { kind: 'unusable', reason: 'no test passes before the change and none is required' };
  const [fixed, kept] = [check(failToPass, now), check(passToPass, now)];
  const passed = fixed.passed + kept.passed;
  return {
    kind: 'compared',
    resolved: passed === total,
    share: passed / total,
    failToPass: fixed,
    passToPass: kept,
  };
}

/** Ids of the tests that pass, those left out that share their id with one that does not. */
const passedBefore = (before: readonly TestCase[], past: TestIndex): string[] =>
  before.filter((t) => !t.fileLevel && statusOf(idOf(t), past) === null).map(idOf);
