import { parseAnswerFile, type AnswerLine } from '@acrouter/contracts/answer-file';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { parseTaskFile, TASK_FORMATS, type TaskFormat } from '@acrouter/contracts/task-formats';
import { AcrError } from '@acrouter/domain/errors';
import { readModelsFile } from '@acrouter/config/models-file';
import { openSandbox } from '@acrouter/sandbox/open';
import { SANDBOX_KINDS, type SandboxKind } from '@acrouter/sandbox/sandbox';
import { Repositories } from '@acrouter/verification/repository/repositories';
import { verifyAnswer } from '@acrouter/verification/verify';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { EXIT } from '../exit-codes';
import { inOrder } from '../in-order';
import { cliEnv, note, paint, print, printJson } from '../output';
import { Agreement, modelOf, setDisputedAside, tasksToCompare, type Checked } from '../verify-batch';

interface VerifyOptions {
  format: TaskFormat;
  tasks: string;
  answers: string;
  json?: boolean;
  concurrency: number;
  sandbox?: SandboxKind;
  unsafe?: boolean;
  hideTests?: boolean;
  repositories?: string;
  models?: string;
}

/** `acr verify` */
export function registerVerify(program: Command): void {
  program
    .command('verify')
    .summary('check answers without routing')
    .description('Checks recorded answers in the sandbox, without a stack and without any model.')
    .requiredOption('--tasks <file>', 'task file')
    .requiredOption('--answers <file>', 'answers: {"task_id" or "id", "completion", …} per line; - for stdin')
    .addOption(new Option('--format <format>', 'how to read the tasks').choices(TASK_FORMATS).default('acr'))
    .option(
      '--json',
      'one JSON line per answer: its fields but the text, then passed, score, signals, durationMs',
    )
    .option('--concurrency <n>', 'checks at once', atLeastOne, availableParallelism())
    .addOption(new Option('--sandbox <kind>', 'use this back end and no other').choices(SANDBOX_KINDS))
    .option('--unsafe', 'run WITHOUT any isolation where no sandbox works')
    .option('--hide-tests', 'judge by the examples of the prompt alone')
    .option(
      '--repositories <folder>',
      'folder with the repositories that tasks name; default ACR_REPOSITORIES',
    )
    .option('--models <file>', 'models.yaml whose section verification has the weights; default: our weights')
    .addHelpText(
      'after',
      `
Examples:
  $ acr verify --format humaneval --tasks HumanEval.jsonl --answers samples.jsonl
  $ acr verify --tasks tasks.jsonl --answers answers.jsonl --json > verdicts.jsonl

Answers with "recorded_passed" are compared with it. Where examples of the prompt judge alone and a task has twelve
answers or more, verdicts come at the end: an example that all of them contradict is set aside.

Exit codes: 0 every answer was judged, right or wrong; 2 bad file; 5 no sandbox, or checks were refused.`,
    )
    .action(verify);
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new AcrError('ACR_INVALID_REQUEST', `${file} cannot be read (${reason}).`, { cause });
  }
}

function readInputs(options: VerifyOptions): { tasks: Map<string, TaskSpec>; answers: AnswerLine[] } {
  const tasks = new Map<string, TaskSpec>();
  for (const task of parseTaskFile(read(options.tasks), options.format, options.tasks))
    tasks.set(task.id ?? '', task);
  const answers = parseAnswerFile(read(options.answers), options.answers);
  const unknown = answers.find((answer) => !tasks.has(answer.taskId));
  if (unknown) {
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${options.answers} answers the task "${unknown.taskId}", which ${options.tasks} does not have.`,
    );
  }
  return { tasks, answers };
}

const withoutTests = (task: TaskSpec): TaskSpec => ({
  ...task,
  verification: { entryPoint: task.verification?.entryPoint, timeoutMs: task.verification?.timeoutMs },
});

async function verify(options: VerifyOptions): Promise<void> {
  const { tasks, answers } = readInputs(options);
  const weights = options.models ? readModelsFile(options.models, null).verification.weights : undefined;
  const sandbox = await openSandbox({ prefer: options.sandbox, allowUnsafe: options.unsafe });
  if (sandbox.kind === 'unsafe') note(paint.red('WARNING: no isolation. The answers run with your rights.'));
  const root = options.repositories ?? cliEnv.repositories;
  const repositories = root === null ? null : await Repositories.open(root);
  const deps = { sandbox, repositories, token: randomUUID, weights };
  const check = async (answer: AnswerLine): Promise<Checked> => {
    const task = tasks.get(answer.taskId) as TaskSpec;
    const asked = options.hideTests ? withoutTests(task) : task;
    const verdict = await again(() => verifyAnswer(asked, answer.completion, deps));
    return { answer, verdict };
  };
  const tally = new Tally(answers.length, options.json !== true);
  const compared = tasksToCompare(answers, options.hideTests ? new Map() : tasks);
  const waiting: Checked[] = [];
  const tell = (checked: Checked) => {
    tally.add(checked);
    if (options.json) printJson(jsonLine(checked));
  };
  try {
    for await (const checked of inOrder(answers, options.concurrency, check)) {
      tally.progress();
      if (compared.has(checked.answer.taskId)) waiting.push(checked);
      else tell(checked);
    }
  } finally {
    await sandbox.close();
    await repositories?.close();
  }
  for (const taskId of compared)
    setDisputedAside(waiting.filter(({ answer }) => answer.taskId === taskId)).forEach(tell);
  tally.finish();
}

/** Times a check is begun when the machine, not the answer, stops it. */
const MAX_STARTS = 3;

/** The verifier's queue repeats such a check; here nobody else would. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let starts = 1; ; starts++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AcrError) || !error.retryable || starts === MAX_STARTS) throw error;
      await setTimeout(1_000 * starts);
    }
  }
}

/** The answer line's own fields, then the verdict's; the verdict wins where both have one. */
export function jsonLine({ answer, verdict }: Checked): Record<string, unknown> {
  const { passed, score, confidence, conclusive, signals, durationMs, sandbox, language, refused } = verdict;
  const more = { confidence, conclusive, language, sandbox, ...(refused ? { refused } : {}) };
  return { ...answer.rest, passed, score, signals, durationMs, ...more };
}

/** Counts verdicts, shows progress on a terminal, and prints the table at the end. */
class Tally {
  private done = 0;
  private readonly agreement = new Agreement();
  private passed = 0;
  private refused: string | null = null;
  private unverified = 0;
  private readonly byModel = new Map<string, { answers: number; passed: number; score: number }>();

  constructor(
    private readonly total: number,
    private readonly table: boolean,
  ) {}

  add({ answer, verdict }: Checked): void {
    this.agreement.add({ answer, verdict });
    if (verdict.passed) this.passed++;
    if (!verdict.conclusive) this.unverified++;
    this.refused ??= verdict.refused;
    const model = modelOf(answer);
    const row = this.byModel.get(model) ?? { answers: 0, passed: 0, score: 0 };
    row.answers++;
    row.passed += Number(verdict.passed);
    row.score += verdict.score;
    this.byModel.set(model, row);
  }

  /** One more was checked. */
  progress(): void {
    this.done++;
    if (process.stderr.isTTY) process.stderr.write(`\r${this.done}/${this.total} checked `);
  }

  finish(): void {
    if (process.stderr.isTTY) process.stderr.write('\n');
    if (this.table) {
      const width = Math.max(5, ...[...this.byModel.keys()].map((name) => name.length));
      print(paint.bold(`${'model'.padEnd(width)}  answers  passed   rate  score`));
      for (const [name, { answers, passed, score }] of this.byModel) {
        const rate = `${((100 * passed) / answers).toFixed(1)}%`;
        print(
          `${name.padEnd(width)}  ${String(answers).padStart(7)}  ${String(passed).padStart(6)}  ${rate.padStart(5)}  ${(score / answers).toFixed(3)}`,
        );
      }
      const agreement = this.agreement.line();
      if (agreement) print(agreement);
      if (this.unverified > 0) print(`${this.unverified} could not be verified.`);
    }
    if (this.refused) note(`Some checks were refused: ${this.refused}`);
    process.exitCode = this.refused ? EXIT.infrastructure : EXIT.ok;
  }
}
