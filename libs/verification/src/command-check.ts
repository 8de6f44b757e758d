import type {
  Sandbox,
  SandboxLanguage,
  SandboxLimits,
  SandboxRequest,
  SandboxResult,
} from '@acrouter/sandbox/sandbox';
import type { ReportSpec, VerificationSpec } from '@acrouter/domain/task';
import { applyEdits } from '@acrouter/domain/verification/edits';
import type { Program } from '@acrouter/domain/verification/extract';
import { canStandAlone } from '@acrouter/domain/verification/isolation';
import { ANSWER_FILES } from '@acrouter/domain/verification/languages';
import { plant, type Planted } from '@acrouter/domain/verification/planted';
import type { Finding } from '@acrouter/domain/verification/signals';
import type { Check, Checked, VerifyDependencies } from './check';
import { DEFAULT_CHECK_MS } from './check';
import { runIsolated, type IsolatedCommand } from './isolated-command';
import { reportFinding, testedBy, type Isolation } from './report-finding';
import { reportedRequest } from './reported-run';
import { skipsOf, UNASKED_SKIP, withoutUnaskedSkips } from './reports/skips';

const UNASKED_SKIPS = `tests were ${UNASKED_SKIP}`;
const NOTHING_RAN = 'no test was run';

/** Builds and test suites need more than one program does. */
export const PROJECT_LIMITS: Partial<SandboxLimits> = {
  memoryBytes: 2 * 1024 ** 3,
  diskBytes: 512 * 1024 ** 2,
  processes: 256,
  openFiles: 1_024,
};

/** Runs the task's own command in a folder with the answer and the task's files; the task's files win. */
export async function checkByCommand(
  check: Check,
  sandbox: Sandbox,
  deps: VerifyDependencies,
): Promise<Checked> {
  const spec = check.task.verification ?? {};
  const program = spec.edits ? null : (check.programs[0] ?? null);
  const files = spec.edits ? editedFiles(check, spec.edits) : answerFiles(check, program);
  if (typeof files === 'string') {
    const finding: Finding = {
      kind: 'tests',
      status: 'failed',
      score: 0,
      evidence: { given: true, reason: files },
    };
    return { findings: [finding], chosen: null, ran: false, refused: null };
  }
  const wallMs = spec.timeoutMs ?? DEFAULT_CHECK_MS;
  const language: SandboxLanguage = check.language ?? 'bash';
  const project = spec.edits || spec.report;
  const limits = project ? { ...PROJECT_LIMITS, cpuSeconds: Math.ceil(wallMs / 1_000) } : {};
  const argv = ['/bin/sh', '-c', spec.command ?? 'false'];
  const run: CommandRun = {
    check,
    program,
    request: { language, argv, files, limits: { ...limits, wallMs } },
    sandbox,
    deps,
  };
  return spec.report ? checkByReport(run, spec.report) : checkByExitCode(run);
}

/** A command check, ready to run. */
interface CommandRun {
  check: Check;
  program: Program | null;
  request: SandboxRequest;
  sandbox: Sandbox;
  deps: VerifyDependencies;
}

const isolatedFor = ({ check, program, request, sandbox }: CommandRun): IsolatedCommand | null =>
  program && sandbox.kind === 'bubblewrap' ? isolatedCommand(check, request) : null;

async function checkByExitCode(run: CommandRun): Promise<Checked> {
  const { sandbox, deps, program } = run;
  const isolated = isolatedFor(run);
  const result = isolated
    ? await runIsolated(sandbox, isolated, deps.signal)
    : await sandbox.run(run.request, deps.signal);
  const finding = withoutSkips(
    commandFinding(result, isolated ? 'own-sandbox' : 'none'),
    run.check.language === 'python' ? skipsOf(result, ownTexts(run.check)) : null,
  );
  return { findings: [finding], chosen: program, ran: true, refused: refusalOf(result) };
}

/** With tests planted into the task's test files where the answer runs beside them. */
async function checkByReport(run: CommandRun, report: ReportSpec): Promise<Checked> {
  const { sandbox, deps, program, check } = run;
  const spec = check.task.verification ?? {};
  const token = deps.token();
  const isolated = isolatedFor(run);
  const given = isolated?.request ?? run.request;
  const planted = isolated ? [] : plantAll(report, spec, deps);
  const files = { ...given.files, ...Object.fromEntries(planted.map((p) => [p.path, p.text])) };
  const request = reportedRequest(
    { ...given, files },
    { command: spec.command ?? 'false', report, token, ownProcesses: sandbox.kind !== 'unsafe' },
  );
  const result = isolated
    ? await runIsolated(sandbox, { ...isolated, request }, deps.signal)
    : await sandbox.run(request, deps.signal);
  const isolation: Isolation = isolated ? 'own-sandbox' : 'none';
  const tested = testedBy(result, token, report.format);
  if (tested.kind === 'tested' && report.format === 'pytest') {
    const names = new Set(planted.flatMap((p) => [...p.mustFail, ...p.mustPass]));
    tested.tests = withoutUnaskedSkips(tested.tests, ownTexts(check), names);
  }
  const finding = reportFinding(result, tested, {
    format: report.format,
    isolation,
    planted,
  });
  return { findings: [finding], chosen: program, ran: true, refused: refusalOf(result) };
}

/** Tests are planted in files of the task that the answer cannot change. */
function plantAll(report: ReportSpec, spec: VerificationSpec, deps: VerifyDependencies): Planted[] {
  return Object.entries(spec.files ?? {})
    .filter(([path]) => !spec.edits?.includes(path))
    .flatMap(([path, text]) => plant(report.format, path, text, deps.token()) ?? []);
}

/** The same check with the answer in a sandbox of its own, where its tests load it as a module; else `null`. */
function isolatedCommand(check: Check, request: SandboxRequest): IsolatedCommand | null {
  const { language, task, programs, entryPoint } = check;
  const spec = task.verification ?? {};
  if ((language !== 'python' && language !== 'javascript') || spec.edits) return null;
  if (spec.isolation === 'shared') return null;
  const answerFile = spec.answerFile ?? ANSWER_FILES[language];
  const files = spec.files ?? {};
  if (files[answerFile] !== undefined) return null;
  const alone = { language, command: spec.command ?? '', files, answerFile, answer: programs[0]?.text ?? '' };
  if (!canStandAlone(alone)) return null;
  return {
    language,
    request: { ...request, files },
    answerFile,
    programs,
    entryPoint: spec.entryPoint ? entryPoint : null,
    prompt: task.prompt,
  };
}

function answerFiles(check: Check, program: Program | null): Record<string, string> {
  const spec = check.task.verification ?? {};
  const answerFile = spec.answerFile ?? ANSWER_FILES[check.language ?? 'python'];
  return { [answerFile]: program?.text ?? check.answer, ...spec.files };
}

/** The task's files with the answer's changes, or why they do not apply. */
function editedFiles(check: Check, edits: readonly string[]): Record<string, string> | string {
  const files = check.task.verification?.files ?? {};
  const result = applyEdits(check.answer, Object.fromEntries(edits.map((path) => [path, files[path] ?? ''])));
  return result.kind === 'edited' ? { ...files, ...result.files } : result.reason;
}

/** Texts of the task's Python files that the answer cannot change. */
function ownTexts({ task }: Check): string[] {
  const { files = {}, edits = [] } = task.verification ?? {};
  return Object.entries(files).flatMap(([path, text]) =>
    path.endsWith('.py') && !edits.includes(path) ? [text] : [],
  );
}

/** A success that rests on skipped tests is none. An answer that runs elsewhere cannot have skipped them. */
function withoutSkips(finding: Finding, skips: ReturnType<typeof skipsOf>): Finding {
  if (skips === null || finding.status !== 'passed') return finding;
  const reason = skips === 'unasked' ? UNASKED_SKIPS : NOTHING_RAN;
  const evidence = { ...finding.evidence, reason };
  return skips === 'unasked' && finding.evidence['isolation'] === 'none'
    ? { ...finding, status: 'failed', score: 0, evidence }
    : { ...finding, status: 'unavailable', score: null, evidence };
}

/** Why a run says nothing about the answer, or `null`. */
export const refusalOf = (result: SandboxResult) =>
  result.outcome.kind === 'not-started' || result.outcome.kind === 'cancelled' ? result.outcome.kind : null;

/** Signal of a command that is judged by its exit code alone. */
export function commandFinding(result: SandboxResult, isolation: Isolation): Finding {
  const { outcome } = result;
  const evidence = {
    given: true,
    isolation,
    outcome,
    stdout: result.stdout.slice(-500),
    stderr: result.stderr.slice(-500),
  };
  switch (outcome.kind) {
    case 'ended': {
      const ok = outcome.exitCode === 0;
      return { kind: 'tests', status: ok ? 'passed' : 'failed', score: ok ? 1 : 0, evidence };
    }
    case 'output-flood':
      return { kind: 'tests', status: 'killed', score: 0, evidence };
    case 'timed-out':
    case 'out-of-memory':
    case 'killed':
      return { kind: 'tests', status: outcome.kind, score: 0, evidence };
    case 'cancelled':
    case 'not-started':
      return { kind: 'tests', status: 'refused', score: null, evidence };
  }
}
