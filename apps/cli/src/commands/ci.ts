import { readCiEnv } from '@acrouter/config/ci-env';
import { parseTaskFile, TASK_FORMATS, type TaskFormat } from '@acrouter/contracts/task-formats';
import type { Priority } from '@acrouter/domain/admission';
import { AcrError, type ErrorCode } from '@acrouter/domain/errors';
import { Option, type Command } from 'commander';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { githubAnnotations } from '../ci/annotations';
import { taskLines, toCiTask, type CiResult, type CiTask } from '../ci/ci-result';
import {
  ciKey,
  DEFAULT_STATE_FILE,
  forgetCiState,
  readCiState,
  writeCiState,
  type CiJob,
} from '../ci/ci-state';
import { junitXml } from '../ci/junit';
import { appendOutputFile, writeOutputFile } from '../output-file';
import { sarifLog } from '../ci/sarif';
import { markdownSummary } from '../ci/summary';
import { withConnection } from '../connect-options';
import { waitMs } from '../duration';
import { EXIT } from '../exit-codes';
import { connect, type ConnectOptions, type GatewayClient } from '../gateway-client';
import { note, print, printJson } from '../output';
import { followRun } from '../run-follower';
import { openRunView } from '../run-view';
import { exitCodeOfRun, positive, priorityOption, readTaskFile, submitInChunks } from './submit';

interface CiOptions extends ConnectOptions {
  state: string;
  json?: boolean;
}

interface SubmitOptions extends CiOptions, Partial<CiJob> {
  format: TaskFormat;
  run?: string;
  maxCostUsd?: number;
  maxAttempts?: number;
  priority?: Priority;
  waitForRoom?: number;
}

interface ReportOptions extends CiOptions {
  junit?: string;
  sarif?: string;
  summary?: string;
  answers?: string;
  annotations?: boolean;
}

const DEFAULT_TIMEOUT_MS = 30 * 60_000;
const DEFAULT_ROOM_PATIENCE_MS = 10 * 60_000;

/** `acr ci` */
export function registerCi(program: Command): void {
  const ci = program
    .command('ci')
    .summary('submit, wait and report from a pipeline')
    .description(
      'For pipelines: a job that is run again attaches to the work that it started before. docs/ci.md has examples.',
    );
  const command = (name: string, description: string) =>
    withConnection(ci.command(name).description(description)).option(
      '--state <file>',
      'where submit leaves the run’s id for the other two',
      DEFAULT_STATE_FILE,
    );
  command('submit', 'submit a file of tasks, once per repository, commit and job')
    .argument('<file>', 'task file')
    .addOption(new Option('--format <format>', 'how to read the file').choices(TASK_FORMATS).default('acr'))
    .option('--repository <name>', 'default: what GitHub, GitLab or Jenkins says')
    .option('--commit <sha>', 'likewise')
    .option('--job <name>', 'likewise; give each job of a matrix its own')
    .option('--run <name>', 'name of the run (default: the file’s)')
    .option('--max-cost-usd <usd>', 'most that the whole run may cost', positive)
    .option('--max-attempts <n>', 'for tasks that do not say themselves', positive)
    .addOption(priorityOption())
    .option(
      '--wait-for-room <time>',
      'how long to wait while too much is queued already, e.g. 5m (default: 10m)',
      waitMs,
    )
    .option('--json', 'print the run as JSON instead of its id')
    .action(submit);
  command('wait', 'wait until every task is settled; the exit code says how it went')
    .argument('[run]', 'id of the run (default: the one submitted here)')
    .option('--timeout <time>', 'stop waiting after that, e.g. 45m (default: 30m); the run goes on', waitMs)
    .option('--json', 'print the finished run as JSON')
    .action(wait);
  command('report', 'write reports; the exit code says only whether they were written')
    .argument('[run]', 'id of the run (default: the one submitted here)')
    .option('--junit <file>', 'JUnit XML')
    .option('--sarif <file>', 'SARIF 2.1.0')
    .option('--summary <file>', 'Markdown (default: GitHub’s job summary, else stdout)')
    .option('--answers <file>', 'answers, one JSON object {id, solved, model, answer} a line')
    .option('--annotations', 'GitHub annotations on stdout (default there)')
    .option('--no-annotations', 'none')
    .action(report);
}

async function submit(file: string, options: SubmitOptions): Promise<void> {
  // What an earlier job left must not pass for the outcome of this one, should it fail below.
  forgetCiState(options.state);
  const job = jobOf(options);
  const tasks = parseTaskFile(readTaskFile(file), options.format, basename(file)).map((task) => ({
    ...task,
    maxAttempts: task.maxAttempts ?? options.maxAttempts,
  }));
  const run = await submitInChunks(connect(options), tasks, {
    name: options.run ?? basename(file),
    maxCostUsd: options.maxCostUsd,
    idempotencyKey: ciKey(job),
    metadata: { ci: job },
    priority: options.priority,
    roomPatienceMs: options.waitForRoom ?? DEFAULT_ROOM_PATIENCE_MS,
  }).catch((error: unknown) => {
    throw otherWork(error, job);
  });
  writeCiState(options.state, { run: run.id, file: file === '-' ? null : file });
  const { outputFile } = readCiEnv();
  if (outputFile) appendFileSync(outputFile, `run-id=${run.id}\n`);
  if (options.json) printJson(run);
  else print(run.id);
  note(
    `Run ${run.id} of ${job.job} at ${job.commit.slice(0, 12)}: ${run.taskCount} ${run.taskCount === 1 ? 'task' : 'tasks'}.`,
  );
}

const OTHER_WORK: Partial<Record<ErrorCode, string>> = {
  ACR_IDEMPOTENCY_MISMATCH: 'has submitted other tasks or limits before',
  ACR_RUN_CANCELLED: 'has a run that was cancelled',
};

/** The gateway's words about keys mean nothing to a pipeline, which gave none. */
function otherWork(error: unknown, job: CiJob): unknown {
  const what = error instanceof AcrError ? OTHER_WORK[error.code] : undefined;
  if (!(error instanceof AcrError) || what === undefined) return error;
  return new AcrError(
    error.code,
    `Job "${job.job}" of this commit ${what}. Give this work a name of its own ` +
      'with --job (ACR_CI_JOB), for example one per matrix leg, or per try.',
    { cause: error },
  );
}

/** @throws AcrError ACR_INVALID_REQUEST naming what neither an option nor the pipeline tells */
function jobOf(options: SubmitOptions): CiJob {
  const told = readCiEnv();
  const value = (name: keyof CiJob): string => {
    const found = options[name] ?? told[name];
    if (found) return found;
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `This pipeline does not tell its ${name}. Give --${name}, or set ACR_CI_${name.toUpperCase()}.`,
    );
  };
  return { repository: value('repository'), commit: value('commit'), job: value('job') };
}

async function wait(given: string | undefined, options: CiOptions & { timeout?: number }): Promise<void> {
  const runId = given ?? readCiState(options.state).run;
  const client = connect(options);
  const limit = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT_MS);
  const view = openRunView();
  const run = await followRun(client, runId, (progress) => view.update(progress), limit);
  view.close();
  if (!run) {
    const why = limit.aborted ? 'The time is over' : 'Stopped waiting';
    note(`${why}; run ${runId} goes on. Wait again, or end it with: acr cancel --run ${runId}`);
    process.exitCode = limit.aborted ? EXIT.timedOut : EXIT.interrupted;
    return;
  }
  if (options.json) printJson(run);
  note(`${run.solved} of ${run.taskCount} tasks solved.`);
  process.exitCode = exitCodeOfRun(run);
}

async function report(given: string | undefined, options: ReportOptions): Promise<void> {
  const state = given ? { run: given, file: null } : readCiState(options.state);
  const client = connect(options);
  const result = await readResult(client, state.run, state.file);
  const { junit, sarif, answers, summary } = options;
  const { provider, summaryFile } = readCiEnv();
  const markdown = markdownSummary(result, await client.report({ run: state.run }));
  await eachOf([
    () => junit && writeOutputFile('--junit', junit, junitXml(result)),
    () => sarif && writeOutputFile('--sarif', sarif, `${JSON.stringify(sarifLog(result), null, 2)}\n`),
    () => answers && writeAnswers(client, state.run, answers),
    () => summary && writeOutputFile('--summary', summary, markdown),
    () => {
      if (summaryFile) appendFileSync(summaryFile, markdown);
      else if (!summary) print(markdown);
    },
    () => {
      if (options.annotations ?? provider === 'github')
        for (const line of githubAnnotations(result)) print(line);
    },
  ]);
}

/** Does all of them, so that one report that cannot be written costs no other. @throws what the first threw that did */
async function eachOf(works: readonly (() => unknown)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const work of works)
    try {
      await work();
    } catch (error) {
      faults.push(error);
    }
  if (faults.length > 0) throw faults[0];
}

async function readResult(client: GatewayClient, runId: string, file: string | null): Promise<CiResult> {
  const run = await client.run(runId);
  const lines = file !== null && existsSync(file) ? taskLines(readFileSync(file, 'utf8')) : [];
  const tasks: CiTask[] = [];
  for await (const task of client.runTasks(runId)) tasks.push(toCiTask(task, lines[tasks.length] ?? null));
  return { run, tasks, file: file?.replaceAll('\\', '/').replace(/^\.\//, '') ?? null };
}

async function writeAnswers(client: GatewayClient, runId: string, file: string): Promise<void> {
  writeOutputFile('--answers', file, '');
  for await (const { id, externalId, solved, model, answer } of client.runTasks(runId, true))
    appendOutputFile(
      '--answers',
      file,
      `${JSON.stringify({ id: externalId ?? id, solved, model, answer: answer ?? null })}\n`,
    );
}
