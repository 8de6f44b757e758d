import { AcrError } from '@acrouter/domain/errors';
import { estimateTokens } from '@acrouter/models/prompt';
import type { RefactorService } from '@acrouter/refactor/collect';
import type { Journal, RefactorOptions } from '@acrouter/refactor/journal';
import { chosenFiles, languageOf, planUnits, takeSnapshot, taskOf } from '@acrouter/refactor/plan';
import { beginRefactor, carryOn, unfinishedRefactor } from '@acrouter/refactor/refactor';
import { reasonLine, type FileReport, type RefactorReport } from '@acrouter/refactor/report';
import { listFiles, openRepository, type Repository } from '@acrouter/refactor/repository';
import { openSandbox } from '@acrouter/sandbox/open';
import { SANDBOX_LANGUAGES } from '@acrouter/sandbox/sandbox';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withConnection } from '../connect-options';
import { EXIT } from '../exit-codes';
import { connect, type ConnectOptions } from '../gateway-client';
import { note, paint, print, printJson } from '../output';
import { openProgressLine } from '../progress-line';
import { left, money, plain } from '../text-layout';

interface ResumeOptions extends ConnectOptions {
  repo: string;
  unsafe?: boolean;
  json?: boolean;
  branch?: string;
}

interface StartOptions extends ResumeOptions {
  glob?: string[];
  instruction?: string;
  verify?: string;
  perFileVerify?: string;
  maxCostUsd?: number;
  maxAttempts?: number;
  concurrency: number;
  groupSize: number;
  maxPromptTokens: number;
  verifyTimeout: number;
  language?: string;
  include?: string[];
  dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  $ acr refactor --glob 'src/**/*.ts' --verify "node --test" \\
      --instruction "Use node: prefixes for built-in modules"
  $ acr refactor --glob '**/*.py' --verify "python3 -m unittest" \\
      --instruction "Add type hints" --dry-run
  $ acr refactor resume
  $ acr refactor resume --branch another-name

The working tree is never touched: the result is a branch. See docs/refactor.md.
Exit codes: 0 every file merged, 1 some failed or skipped, 2 wrong input,
            130 interrupted (resume goes on).`;

/** `acr refactor` */
export function registerRefactor(program: Command): void {
  const command = withRepository(program.command('refactor'))
    .summary('change many files of a repository, verified, as one branch')
    .description(
      'Asks for one change per file, checks each in the sandbox, and merges what keeps the tests green.',
    )
    .option('--glob <glob...>', 'committed files to change (quoted)')
    .option('--instruction <text>', 'what to do with each of them')
    .option('--verify <command>', 'must pass before, after, and with every change')
    .option('--per-file-verify <command>', 'checks one answer instead; {file} is its path')
    .option('--max-cost-usd <usd>', 'most that the whole may cost', positive)
    .option('--max-attempts <n>', 'attempts per file (default: as many as are worth it, up to 8)', whole)
    .option('--concurrency <n>', 'files asked for at once', whole, 16)
    .option('--branch <name>', 'branch to make (default: acr/refactor-<time>)')
    .option('--group-size <n>', 'files per task: those that import each other together', whole, 1)
    .option('--max-prompt-tokens <n>', 'room for the files and what they belong to', whole, 16_000)
    .option('--verify-timeout <seconds>', 'longest that a command may take', whole, 300)
    .addOption(
      new Option('--language <name>', 'toolchain that commands see (default: that of the files)').choices(
        SANDBOX_LANGUAGES,
      ),
    )
    .option('--include <path...>', 'ignored folders that commands need, e.g. node_modules')
    .option('--dry-run', 'show the tasks; ask and change nothing')
    .addHelpText('after', EXAMPLES)
    .action(start);
  withRepository(command.command('resume'))
    .summary('go on with a refactor that was interrupted')
    .description('Goes on where an interrupted refactor stopped; nothing that was paid for is done again.')
    .argument('[id]', 'which one (default: the newest that has not finished)')
    .option('--branch <name>', 'branch to make instead of the one first named')
    // The parent knows options of the same names and takes them, wherever they stand.
    .action((id: string | undefined, _own: unknown, self: Command) => {
      refuseOthers(self, command);
      return resume(id, self.optsWithGlobals());
    });
}

/** @throws AcrError ACR_INVALID_REQUEST for an option of `acr refactor` that a resumed one cannot change */
function refuseOthers(own: Command, parent: Command): void {
  const allowed = new Set(own.options.map((o) => o.attributeName()));
  const others = parent.options
    .filter(
      (o) => parent.getOptionValueSource(o.attributeName()) === 'cli' && !allowed.has(o.attributeName()),
    )
    .map((o) => o.long);
  if (others.length > 0)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `A refactor goes on with the options it began with: leave out ${others.join(', ')}, or begin another.`,
    );
}

const withRepository = (command: Command): Command =>
  withConnection(command)
    .option('--repo <folder>', 'a folder of the repository', '.')
    .option('--unsafe', 'run commands WITHOUT isolation where no sandbox works')
    .option('--json', 'print the report as JSON');

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function whole(text: string): number {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

async function start(given: StartOptions): Promise<void> {
  const repository = await openRepository(given.repo);
  const now = new Date();
  const id = `${now.toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(3).toString('hex')}`;
  const options = await refactorOptions(given, repository, id);
  if (repository.uncommitted > 0)
    note(
      paint.yellow(
        `Uncommitted changes in ${repository.uncommitted} ${repository.uncommitted === 1 ? 'file' : 'files'} are left out: the refactor starts from the last commit.`,
      ),
    );
  if (given.dryRun) return showPlan(repository, options, Boolean(given.json));
  // Before anything is written: without a stack there is nothing to go on with later.
  const service = connect(given);
  await carry(await beginRefactor(repository, options, id, now), repository, service, given);
}

async function resume(id: string | undefined, given: ResumeOptions): Promise<void> {
  const repository = await openRepository(given.repo);
  await carry(unfinishedRefactor(repository, id), repository, connect(given), given);
}

async function refactorOptions(
  given: StartOptions,
  repository: Repository,
  id: string,
): Promise<RefactorOptions> {
  const { glob, instruction, verify } = given;
  const missing = Object.entries({ '--glob': glob, '--instruction': instruction, '--verify': verify })
    .filter(([, value]) => !value || value.length === 0)
    .map(([name]) => name);
  if (!glob || !instruction || !verify)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${missing.join(', ')} must be given; see acr refactor --help.`,
    );
  const chosen = chosenFiles(await listFiles(repository.root, repository.head), glob);
  return {
    globs: glob,
    instruction,
    verify,
    perFileVerify: given.perFileVerify ?? null,
    maxCostUsd: given.maxCostUsd ?? null,
    maxAttempts: given.maxAttempts ?? null,
    concurrency: given.concurrency,
    branch: given.branch ?? `acr/refactor-${id}`,
    groupSize: given.groupSize,
    maxPromptTokens: given.maxPromptTokens,
    verifyTimeoutMs: given.verifyTimeout * 1_000,
    language: given.language ?? languageOf(chosen.map((f) => f.path)),
    include: (given.include ?? []).map((path) => included(repository, path)),
  };
}

/** A folder that commands need, relative to the top of the repository. @throws AcrError when it is not there */
function included(repository: Repository, given: string): string {
  const path = given.replace(/^\.\/|\/+$/g, '');
  if (!existsSync(join(repository.root, path)))
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `--include ${given}: ${repository.root} has no such file or folder.`,
    );
  return path;
}

async function showPlan(repository: Repository, options: RefactorOptions, json: boolean): Promise<void> {
  const snapshot = await takeSnapshot(repository.root, repository.head, options.globs);
  const tasks = planUnits(snapshot, options).map((unit) => {
    const { paths, skipped } = unit;
    const tokens = skipped === null ? estimateTokens(taskOf(unit, snapshot, options, null).prompt) : 0;
    return { paths, skipped, tokens };
  });
  if (json) return printJson({ base: repository.head, language: options.language, tasks });
  for (const { paths, skipped, tokens } of tasks)
    print(`${left(plain(paths.join(' ')), 56)} ${skipped ?? `about ${tokens} tokens`}`);
  const total = tasks.reduce((sum, { tokens }) => sum + tokens, 0);
  note(
    `At most ${total} prompt tokens per round of attempts. Toolchain: ${options.language}. Nothing was asked.`,
  );
}

async function carry(
  journal: Journal,
  repository: Repository,
  service: RefactorService,
  given: ResumeOptions,
): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const view = openProgressLine();
  const sandbox = await openSandbox({ allowUnsafe: given.unsafe });
  if (sandbox.kind === 'unsafe') note(paint.red('WARNING: no isolation. Answers run with your rights.'));
  note(`Refactor ${journal.state.id}: ${journal.state.units.length} tasks.`);
  try {
    const deps = {
      service,
      sandbox,
      say: (line: string) => view.say(line),
      progress: view.update,
      signal: stop.signal,
    };
    const report = await carryOn(journal, repository.root, deps, given.branch);
    view.close();
    show(report, Boolean(given.json));
  } catch (error) {
    view.close();
    if (!stop.signal.aborted) {
      if (existsSync(journal.folder)) note(`Go on later with: acr refactor resume ${journal.state.id}`);
      throw error;
    }
    note(`Interrupted; models that were asked go on. Resume with: acr refactor resume ${journal.state.id}`);
    process.exitCode = EXIT.interrupted;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await sandbox.close();
  }
}

function show(report: RefactorReport, json: boolean): void {
  const { merged, failed, skipped, files } = report;
  process.exitCode = failed + skipped > 0 ? EXIT.unsolved : EXIT.ok;
  if (json) return printJson(report);
  for (const file of files.filter((f) => f.status !== 'merged')) print(failureLine(file));
  const unknown = report.unknownCalls > 0 ? ` + ${report.unknownCalls} calls of unknown cost` : '';
  print(`${merged} merged, ${failed} failed, ${skipped} skipped; ${money(report.costUsd)}${unknown}`);
  if (report.simulated) print(paint.yellow('SIMULATED models answered: this says nothing about real ones.'));
  if (report.branch === null) print('Nothing could be merged, so there is no branch.');
  else
    print(
      `Branch ${report.branch} is verified. Look at it: git log ${report.base.slice(0, 12)}..${report.branch}`,
    );
  print(`Report and patches: ${report.folder}`);
}

const failureLine = (file: FileReport): string =>
  `${paint.yellow(file.status)} ${plain(file.paths.join(' '))}: ${plain(reasonLine(file))}`;
