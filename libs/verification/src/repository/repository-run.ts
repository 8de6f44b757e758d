import type { RepositorySpec, VerificationSpec } from '@acrouter/domain/task';
import { plant, PlantedResults, type Planted } from '@acrouter/domain/verification/planted';
import { isTestFile } from '@acrouter/domain/verification/protected-paths';
import type { FileChange } from '@acrouter/domain/verification/repository-edits';
import type { Sandbox, SandboxLanguage, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { VerifyDependencies } from '../check';
import { PROJECT_LIMITS } from '../command-check';
import { endOf, testedBy, type Tested } from '../report-finding';
import { readReportedRun, reportedRequest } from '../reported-run';
import type { Repositories } from './repositories';
import type { WorkingCopy } from './working-copy';

/** Default wall-clock limit of one run of a repository's tests, ms. */
const DEFAULT_RUN_MS = 60_000;
/** A repository needs room for its files, and for what its tests make. */
const LIMITS = {
  ...PROJECT_LIMITS,
  diskBytes: 1024 ** 3,
  fileBytes: 512 * 1024 ** 2,
  openFiles: 4_096,
  files: 200_000,
};
/** Test files that get planted tests: at most so many, and none larger, bytes. */
const MAX_PLANTED = 500;
const MAX_PLANTED_BYTES = 512 * 1024;
/** Name of the one test of a task without a report. */
export const EXIT_CODE_TEST = 'the command';

/** A repository task, ready to be run with and without its answer. */
export interface RepositoryTask {
  spec: VerificationSpec & { repository: RepositorySpec };
  language: SandboxLanguage;
  copy: WorkingCopy;
  repositories: Repositories;
  sandbox: Sandbox;
  deps: VerifyDependencies;
  /** Whether the answer may not change a path. */
  isProtected: (path: string) => boolean;
}

/** One run of the command. */
export interface RepositoryRun {
  result: SandboxResult;
  tested: Tested;
  planted: Planted[];
}

/** Lays the changes, then the task's own files and the planted tests over the commit, and runs the command there. */
export async function runRepository(
  task: RepositoryTask,
  changes: ReadonlyMap<string, FileChange>,
  signal?: AbortSignal,
): Promise<RepositoryRun> {
  const { spec, copy, sandbox, deps, language } = task;
  const own = (path: string, text: string): [string, FileChange] => [
    path,
    { text, mode: copy.tree.get(path) === '100755' ? '100755' : '100644' },
  ];
  const planted = await plantTests(task);
  const all = new Map([
    ...changes,
    ...Object.entries(spec.files ?? {}).map(([path, text]) => own(path, text)),
    ...planted.map((p) => own(p.path, p.text)),
  ]);
  const token = deps.token();
  const include = spec.repository.include ?? [];
  const wallMs = spec.timeoutMs ?? DEFAULT_RUN_MS;
  const request = reportedRequest(
    {
      language,
      mounts: await Promise.all(include.map((path) => mountOf(task, path))),
      limits: { ...LIMITS, wallMs, cpuSeconds: Math.ceil(wallMs / 1_000) },
    },
    {
      command: spec.command ?? 'false',
      report: spec.report ?? null,
      archive: await copy.archive(all),
      links: include,
      token,
      ownProcesses: sandbox.kind !== 'unsafe',
    },
  );
  const result = await sandbox.run(request, signal);
  const tested = spec.report ? testedBy(result, token, spec.report.format) : exitCodeOf(result, token);
  return { result, tested, planted };
}

const mountOf = async ({ repositories, spec }: RepositoryTask, path: string) => ({
  from: await repositories.beside(spec.repository.name, path),
  to: `/repository/${path}`,
});

/** A command without a report, as one test. */
function exitCodeOf(result: SandboxResult, token: string): Tested {
  const run = readReportedRun(result, token);
  if (run.kind === 'not-prepared') return { kind: 'no-report', status: 'refused', reason: run.reason };
  if (run.kind === 'cut-off') return { kind: 'no-report', ...endOf(result) };
  const status = run.exitCode === 0 ? 'passed' : 'failed';
  const message = status === 'passed' ? null : `exit code ${run.exitCode}`;
  return {
    kind: 'tested',
    tests: [{ name: EXIT_CODE_TEST, group: '', file: null, status, message }],
    exitCode: run.exitCode,
  };
}

/** Plants tests in the test files that the answer cannot change. */
async function plantTests({ spec, copy, deps, isProtected }: RepositoryTask): Promise<Planted[]> {
  const { report, files = {} } = spec;
  if (!report) return [];
  const inCommit = [...copy.tree.keys()].filter(
    (path) => isTestFile(path) && isProtected(path) && files[path] === undefined,
  );
  const texts = await copy.texts(inCommit.slice(0, MAX_PLANTED));
  const candidates = [...Object.entries(files), ...texts].filter(
    (entry): entry is [string, string] => entry[1] !== null && entry[1].length <= MAX_PLANTED_BYTES,
  );
  return candidates.flatMap(([path, text]) => plant(report.format, path, text, deps.token()) ?? []);
}

/** The run's results, read for its planted tests. */
export const resultsOf = (run: RepositoryRun): PlantedResults =>
  new PlantedResults(run.planted, run.tested.kind === 'tested' ? run.tested.tests : []);
