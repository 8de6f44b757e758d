import { createHash } from 'node:crypto';
import type { RepositorySpec, VerificationSpec } from '@acrouter/domain/task';
import { languageNamed } from '@acrouter/domain/verification/languages';
import type { PlantedResults } from '@acrouter/domain/verification/planted';
import { protection } from '@acrouter/domain/verification/protected-paths';
import {
  applyRepositoryAnswer,
  readRepositoryAnswer,
  type FileChange,
  type Rejected,
} from '@acrouter/domain/verification/repository-edits';
import { compareRuns, type ListResult } from '@acrouter/domain/verification/resolution';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import {
  idOf,
  MAX_LISTED,
  sumsOf,
  TestIndex,
  type TestCase,
} from '@acrouter/domain/verification/test-report';
import type { Sandbox, SandboxLanguage } from '@acrouter/sandbox/sandbox';
import type { Check, Checked, VerifyDependencies } from '../check';
import { failureLine, forgery, outputOf, withoutReport } from '../report-finding';
import type { BeforeRun } from './before-runs';
import type { Repositories } from './repositories';
import {
  EXIT_CODE_TEST,
  resultsOf,
  runRepository,
  type RepositoryRun,
  type RepositoryTask,
} from './repository-run';
import type { WorkingCopy } from './working-copy';

const NO_REPOSITORIES =
  'the task names a repository, but ACR_REPOSITORIES is not set: start the verifier (or acr verify) with it';

/** What the answer changes, and which of its changes were taken back because they are protected. */
interface Changes {
  kind: 'changes';
  files: Map<string, FileChange>;
  restored: string[];
}

const decided = (finding: Finding, refused: string | null = null): Checked => ({
  findings: [finding],
  chosen: null,
  ran: refused === null,
  refused,
});

/**
 * Checks an answer that changes a repository: applies it to a copy of the commit with fuzz 0, takes back what it may
 * not change, runs the task's command there, and compares its tests with those of the unchanged commit. Passed when
 * every fail→pass test passes and every pass→pass test still does (source: SWE-bench, arXiv 2310.06770).
 * @throws AcrError ACR_INVALID_REQUEST when there is no such repository or commit
 */
export async function checkRepository(
  check: Check,
  sandbox: Sandbox,
  deps: VerifyDependencies,
): Promise<Checked> {
  const { repositories } = deps;
  const spec = check.task.verification as VerificationSpec & { repository: RepositorySpec };
  if (!repositories) {
    const finding = silent('tests', 'refused', NO_REPOSITORIES);
    finding.evidence['given'] = true;
    return decided(finding, NO_REPOSITORIES);
  }
  const copy = await repositories.copy(spec.repository.name, spec.repository.base);
  try {
    return await checkIn(copy, { check, spec, repositories, sandbox, deps });
  } finally {
    await copy.close();
  }
}

interface Setting {
  check: Check;
  spec: VerificationSpec & { repository: RepositorySpec };
  repositories: Repositories;
  sandbox: Sandbox;
  deps: VerifyDependencies;
}

async function checkIn(copy: WorkingCopy, { check, ...setting }: Setting): Promise<Checked> {
  const { spec, repositories, deps, sandbox } = setting;
  const isProtected = protection(spec.protect, spec.allow);
  const changes = await changesOf(check.answer, copy, isProtected);
  const common = { isolation: 'none', repository: { name: spec.repository.name, base: copy.base } };
  if (changes.kind === 'rejected') {
    const evidence = { given: true, ...common, reason: changes.reason };
    return decided({ kind: 'tests', status: 'failed', score: 0, evidence });
  }
  const language = check.task.language ? check.language : (languageOf(changes.files) ?? check.language);
  const task: RepositoryTask = { ...setting, copy, isProtected, language: language ?? 'bash' };
  const before = await repositories.beforeRuns.get(keyOf(task, sandbox), () => runBefore(task));
  if (typeof before === 'string') {
    const finding = silent('tests', 'unavailable', `the unchanged repository cannot be tested: ${before}`);
    return decided({ ...finding, evidence: { given: true, ...common, ...finding.evidence } });
  }
  const run = await runRepository(task, changes.files, deps.signal);
  const evidence = {
    ...common,
    report: spec.report?.format ?? null,
    changed: [...changes.files.keys()].slice(0, MAX_LISTED),
    restored: changes.restored.slice(0, MAX_LISTED),
    planted: before.trusted.length,
    ...outputOf(run.result),
  };
  const finding = judge(spec, before, run, evidence);
  return decided(finding, finding.status === 'refused' ? String(finding.evidence['reason']) : null);
}

async function changesOf(
  answer: string,
  copy: WorkingCopy,
  isProtected: (path: string) => boolean,
): Promise<Changes | Rejected> {
  const read = readRepositoryAnswer(answer, copy.tree);
  if (read.kind === 'rejected') return read;
  const edited = applyRepositoryAnswer(read, copy.tree, await copy.texts(read.paths));
  if (edited.kind === 'rejected') return edited;
  const restored = [...edited.files.keys()].filter(isProtected);
  for (const path of restored) edited.files.delete(path);
  return edited.files.size > 0
    ? { kind: 'changes', files: edited.files, restored }
    : { kind: 'rejected', reason: `the answer changes nothing but protected files: ${restored.join(', ')}` };
}

/** The language most of the changed files are in, by their endings. */
function languageOf(files: ReadonlyMap<string, FileChange>): SandboxLanguage | null {
  const named = [...files.keys()].flatMap((path) => languageNamed(/\.(\w+)$/.exec(path)?.[1] ?? '') ?? []);
  const count = (language: string) => named.filter((n) => n === language).length;
  return named.sort((a, b) => count(b) - count(a))[0] ?? null;
}

function keyOf({ spec, copy, language }: RepositoryTask, { kind }: Sandbox): string {
  const { repository, command, files, report, timeoutMs, protect, allow } = spec;
  const parts = [kind, language, copy.base, repository, command, files, report, timeoutMs, protect, allow];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function runBefore(task: RepositoryTask): Promise<BeforeRun | string> {
  const run = await runRepository(task, new Map());
  if (run.tested.kind === 'no-report') return `${run.tested.reason} ${run.result.stderr.slice(-300)}`;
  const results = resultsOf(run);
  const trusted = run.planted.map((p) => p.path).filter((path) => results.state(path) === 'right');
  return { tests: results.tests, trusted };
}

/** Compares both runs. Results of files whose planted tests are wrong now count for nothing. */
function judge(
  spec: VerificationSpec,
  before: BeforeRun,
  run: RepositoryRun,
  evidence: Record<string, unknown>,
): Finding {
  if (run.tested.kind === 'no-report') return withoutReport(run.tested, evidence);
  const results = resultsOf(run);
  const forged = forgery(suspects(spec, before, results), results);
  if (forged !== null)
    return {
      kind: 'tests',
      status: 'failed',
      score: 0,
      evidence: { given: true, ...evidence, message: forged },
    };
  const first = before.tests.some((t) => t.status === 'passed') ? [] : [EXIT_CODE_TEST];
  const compared = compareRuns(before.tests, results.tests, spec.report ? spec : { failToPass: first });
  if (compared.kind === 'unusable') {
    const finding = silent('tests', 'unavailable', `the task cannot be used: ${compared.reason}`);
    return { ...finding, evidence: { given: true, ...evidence, ...finding.evidence } };
  }
  const { failToPass, passToPass } = compared;
  const unmet = [...failToPass.unmet, ...passToPass.unmet].map(({ name, status, message }) => ({
    name,
    message: message ?? status,
  }));
  const required = failToPass.required + passToPass.required;
  // A skip that was not there before is the answer's, whether the task names the test or not.
  const evaded = unmet.length === 0 ? newlySkipped(before.tests, results.tests) : [];
  unmet.push(...evaded.map((name) => ({ name, message: 'skipped, and was not before' })));
  const [total, resolved] = [required + evaded.length, unmet.length === 0];
  return {
    kind: 'tests',
    status: resolved ? 'passed' : 'failed',
    score: (total - unmet.length) / total,
    evidence: {
      given: true,
      ...evidence,
      failToPass: countsOf(failToPass),
      passToPass: countsOf(passToPass),
      before: countsBefore(before),
      failures: unmet.slice(0, MAX_LISTED),
      ...(resolved ? {} : { message: failureLine(total, unmet) }),
    },
  };
}

/** Ids of the tests that ran before and are skipped now. */
function newlySkipped(before: readonly TestCase[], after: readonly TestCase[]): string[] {
  const idsOf = (tests: readonly TestCase[], skipped: boolean) =>
    tests.filter((t) => (t.status === 'skipped') === skipped && !t.fileLevel).map(idOf);
  const ran = new Set(idsOf(before, false));
  const known = new Set(idsOf(before, true));
  return [...new Set(idsOf(after, true))].filter((id) => ran.has(id) && !known.has(id));
}

const countsOf = ({ required, passed }: ListResult) => ({ required, passed });

function countsBefore({ tests }: BeforeRun) {
  const { passed, failed, skipped } = sumsOf(tests);
  return { passed, failed, skipped };
}

/** Planted files that must be right: those that were before, and those with a test that must pass now. */
function suspects(spec: VerificationSpec, before: BeforeRun, results: PlantedResults): string[] {
  const index = new TestIndex(results.tests);
  const required = (spec.failToPass ?? []).flatMap((name) => index.find(name).map((t) => results.fileOf(t)));
  const paths = new Set([...before.trusted, ...required.filter((path) => path !== null)]);
  return [...paths].filter((path) => !results.wasNotLoaded(path));
}
