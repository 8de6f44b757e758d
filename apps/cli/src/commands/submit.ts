import type { RunView, TaskSummary } from '@acrouter/contracts/http';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { parseTaskFile, TASK_FORMATS, type TaskFormat } from '@acrouter/contracts/task-formats';
import { PRIORITIES, type Priority } from '@acrouter/domain/admission';
import { AcrError } from '@acrouter/domain/errors';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { withConnection } from '../connect-options';
import { EXIT } from '../exit-codes';
import { connect, type ConnectOptions, type GatewayClient } from '../gateway-client';
import { chunksOf } from '../task-chunks';
import { rememberRun } from '../last-run';
import { note, print, printJson } from '../output';
import { reportView } from '../report-view';
import { followRun } from '../run-follower';
import { openRunView } from '../run-view';
import { withRoom } from '../wait-for-room';

interface SubmitOptions extends ConnectOptions {
  format: TaskFormat;
  wait?: boolean;
  json?: boolean;
  run?: string;
  maxCostUsd?: number;
  maxAttempts?: number;
  costWeight?: number;
  idempotencyKey?: string;
  priority?: Priority;
  /** commander's name for --no-wait-for-room */
  waitForRoom: boolean;
}

/** `acr submit` */
export function registerSubmit(program: Command): void {
  withConnection(program.command('submit'))
    .summary('submit a file of tasks')
    .description('Submits the tasks of a file as one run. Each line is one task as JSON.')
    .argument('<file>', 'task file, or - for stdin')
    .addOption(new Option('--format <format>', 'how to read the file').choices(TASK_FORMATS).default('acr'))
    .option('--wait', 'wait until every task is settled and show the result')
    .option('--json', 'with --wait one JSON line per task, else the accepted run')
    .option('--run <name>', 'name of the run (default: the file’s)')
    .option('--max-cost-usd <usd>', 'most that the whole run may cost', positive)
    .option('--max-attempts <n>', 'for tasks that do not say themselves', positive)
    .option('--cost-weight <points>', 'score points that one USD is worth, likewise', notNegative)
    .addOption(priorityOption())
    .option('--no-wait-for-room', 'fail when too much is queued already, instead of waiting')
    .option('--idempotency-key <key>', 'submitting again with the same key and file joins the first run')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"id":"a","prompt":"Write a Python function add(a, b).","verification":{"tests":"assert add(1, 2) == 3"}}' > t.jsonl
  $ acr submit t.jsonl --wait
  $ acr submit HumanEval.jsonl --format humaneval --wait --json > results.jsonl

Exit codes with --wait: 0 all solved, 1 some unsolved, 4 some over budget, 5 some failed for lack of a working model.`,
    )
    .action(submit);
}

/** `--priority`, as `submit` and `ci submit` take it. */
export function priorityOption(): Option {
  return new Option('--priority <level>', 'among your queued tasks (default: normal)').choices(PRIORITIES);
}

/** For commander: a number above 0. */
export const positive = (text: string): number => checked(text, (n) => n > 0, 'It must be a number above 0.');
const notNegative = (text: string): number => checked(text, (n) => n >= 0, 'It must be a number, 0 or more.');

function checked(text: string, valid: (value: number) => boolean, message: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || !valid(value)) throw new InvalidArgumentError(message);
  return value;
}

async function submit(file: string, options: SubmitOptions): Promise<void> {
  const name = file === '-' ? 'stdin' : basename(file);
  const tasks = parseTaskFile(readTaskFile(file), options.format, name).map((task) => ({
    ...task,
    maxAttempts: task.maxAttempts ?? options.maxAttempts,
    costWeight: task.costWeight ?? options.costWeight,
  }));
  const client = connect(options);
  const run = await submitInChunks(client, tasks, {
    name: options.run ?? name,
    maxCostUsd: options.maxCostUsd,
    priority: options.priority,
    idempotencyKey: options.idempotencyKey ?? `acr-${randomUUID()}`,
    roomPatienceMs: options.waitForRoom ? Infinity : 0,
  });
  rememberRun(options, run.id);
  note(`Run ${run.id}: ${run.taskCount} task${run.taskCount === 1 ? '' : 's'} submitted.`);
  if (!options.wait) {
    if (options.json) printJson(run);
    note(`Follow it with: acr watch ${run.id}`);
    return;
  }
  await waitAndShow(client, run.id, Boolean(options.json));
}

/** The text of a task file, `-` for stdin. @throws AcrError ACR_INVALID_REQUEST */
export function readTaskFile(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${file} cannot be read (${reason}). Name a file of tasks, one JSON object a line, or - for stdin.`,
      { cause },
    );
  }
}

/**
 * Submits tasks as one run, in requests of bounded size (`chunksOf`); every request carries a key of its own, so that a repeated
 * one changes nothing.
 */
export async function submitInChunks(
  client: GatewayClient,
  tasks: readonly TaskSpec[],
  options: {
    name: string;
    maxCostUsd?: number;
    idempotencyKey: string;
    metadata?: Record<string, unknown>;
    priority?: Priority;
    /** How long each request may wait for room in the backlog, ms. Default: for ever. */
    roomPatienceMs?: number;
  },
): Promise<{ id: string; name: string | null; taskCount: number }> {
  const { name, maxCostUsd, idempotencyKey, metadata, priority, roomPatienceMs = Infinity } = options;
  const room = { patienceMs: roomPatienceMs, tell: note };
  const [chunk = [], ...further] = chunksOf(tasks);
  const first = { name, maxCostUsd, metadata, priority, expectedTasks: tasks.length, tasks: chunk };
  const { id } = await withRoom(() => client.submitRun(first, idempotencyKey), room);
  let sent = chunk.length;
  for (const [index, more] of further.entries()) {
    await withRoom(() => client.addTasks(id, more, `${idempotencyKey}.${index + 1}`), room).catch(
      (error: unknown) => {
        note(
          `Run ${id} holds ${sent} of ${tasks.length} tasks and works on them. The same command goes on with the others` +
            ` (acr submit: with --idempotency-key ${idempotencyKey}); acr cancel --run ${id} ends it.`,
        );
        throw error;
      },
    );
    sent += more.length;
    note(`  ${sent} of ${tasks.length} tasks submitted`);
  }
  return { id, name, taskCount: tasks.length };
}

/** Follows a run to its end, then prints its tasks (`json`) or its report; sets the exit code. */
export async function waitAndShow(client: GatewayClient, runId: string, json: boolean): Promise<void> {
  const view = openRunView();
  const run = await followRun(client, runId, (progress) => view.update(progress));
  view.close();
  if (!run) {
    note(`Stopped waiting; the run goes on. Come back to it with: acr watch ${runId}`);
    process.exitCode = EXIT.interrupted;
    return;
  }
  if (json) for await (const task of client.runTasks(runId)) printJson(resultLine(task));
  else print(reportView(await client.report({ run: runId })));
  process.exitCode = exitCodeOfRun(run);
}

/** What the outcomes of a finished run mean for the shell; the gravest counts. */
export function exitCodeOfRun(run: Pick<RunView, 'taskCount' | 'solved' | 'outcomes'>): number {
  if (run.outcomes.failed) return EXIT.infrastructure;
  if (run.outcomes['over-budget']) return EXIT.overBudget;
  return run.solved === run.taskCount ? EXIT.ok : EXIT.unsolved;
}

/** One line of `acr submit --wait --json`; the first seven fields are a format that others rely on. */
export function resultLine(task: TaskSummary) {
  return {
    id: task.externalId ?? task.id,
    status: task.status,
    solved: task.solved ?? false,
    score: task.score,
    model: task.model,
    attempts: task.attempts.map(({ model, score, costUsd, latencyMs }) => ({
      model,
      score,
      costUsd,
      latencyMs,
    })),
    costUsd: task.costUsd,
    outcome: task.outcome,
    unknownCalls: task.unknownCalls,
    simulated: task.simulated,
    taskId: task.id,
  };
}
