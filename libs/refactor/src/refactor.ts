import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireFreeBranch } from './branch';
import { Checker } from './checker';
import { collectAnswers, type CollectProgress, type RefactorService } from './collect';
import { integrate, planRetries } from './integrate';
import { Journal, nameOf, refactorFolders, type RefactorOptions } from './journal';
import { lock } from './lock';
import { checkCommand, fitsInTasks, planUnits, takeSnapshot, taskOf, type Snapshot } from './plan';
import { writeReport, type RefactorReport } from './report';
import { openRepository, type Repository } from './repository';
import { Scratch } from './scratch';

/** What a refactor needs from outside. */
export interface RefactorDependencies {
  service: RefactorService;
  sandbox: Sandbox;
  /** A line for the user. */
  say: (line: string) => void;
  progress: (progress: CollectProgress) => void;
  /** Ctrl-C. */
  signal: AbortSignal;
}

/** Where a repository keeps its refactors: in .git, so that the working tree holds nothing of ours. */
export const homeOf = (repository: Pick<Repository, 'gitFolder'>): string =>
  join(repository.gitFolder, 'acr-refactors');

/**
 * Writes down what is to be done. Nothing is asked and nothing is paid yet.
 * @param id fresh, sorts by time
 * @throws AcrError ACR_INVALID_REQUEST when the branch exists or no file matches
 */
export async function beginRefactor(
  repository: Repository,
  options: RefactorOptions,
  id: string,
  now: Date,
): Promise<Journal> {
  await requireFreeBranch(repository.root, options.branch);
  const snapshot = await takeSnapshot(repository.root, repository.head, options.globs);
  const folder = join(homeOf(repository), id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const units = planUnits(snapshot, options);
  const scratch = await Scratch.open(join(folder, 'scratch.git'), repository, now);
  const archive = (await scratch.archive(repository.head)).toString('base64');
  return Journal.create(folder, {
    version: 1,
    id,
    createdAt: now.toISOString(),
    base: repository.head,
    options,
    units,
    inLoop: fitsInTasks(archive, units.length, options),
    runId: null,
    results: {},
    retries: {},
    checks: {},
    finished: false,
  });
}

/** The newest refactor of the repository that has not finished, or the one of that id. @throws ACR_NOT_FOUND */
export function unfinishedRefactor(repository: Repository, id?: string): Journal {
  const folders = refactorFolders(homeOf(repository));
  const journals = folders
    .filter((f) => id === undefined || f.endsWith(`/${id}`))
    .map((f) => Journal.open(f));
  const journal = journals.find((j) => id !== undefined || !j.state.finished);
  if (journal) return journal;
  throw new AcrError(
    'ACR_NOT_FOUND',
    `${repository.root} has no ${id === undefined ? 'unfinished refactor' : `refactor ${id}`}.`,
  );
}

/**
 * Carries a refactor on from wherever it is, to its end: answers, merge, branch, report. May be killed anywhere and
 * called again.
 * @param branch the branch to make from now on; default: that of the journal
 * @throws AcrError ACR_INVALID_REQUEST when the branch is somebody else's, or the verification fails before any change;
 *   ACR_CONFLICT when another process is at work on it
 */
export async function carryOn(
  journal: Journal,
  root: string,
  deps: RefactorDependencies,
  branch = journal.state.options.branch,
): Promise<RefactorReport> {
  const unlock = lock(journal.folder);
  const repository = await openRepository(root);
  const { base, options, createdAt } = journal.state;
  const scratch = await Scratch.open(join(journal.folder, 'scratch.git'), repository, new Date(createdAt));
  const checker = new Checker(deps.sandbox, scratch, journal, repository.root, deps.signal);
  try {
    // Now, not only after hours of answers and checks: somebody may have made the branch since the start.
    await requireFreeBranch(repository.root, branch, await scratch.published());
    journal.update((s) => (s.options.branch = branch));
    const snapshot = await takeSnapshot(repository.root, base, options.globs);
    await checkBase(journal, checker, deps);
    await tryPerFileVerify(journal, snapshot, checker, deps);
    let integrated;
    do {
      await ask(journal, snapshot, scratch, deps);
      deps.say('Merging …');
      integrated = await integrate({ journal, snapshot, scratch, checker, say: deps.say });
    } while (planRetries(journal, integrated));
    if (integrated.head !== base) await scratch.publish(options.branch, integrated.head);
    const report = await writeReport(journal, scratch, integrated);
    journal.update((s) => (s.finished = true));
    return report;
  } finally {
    await checker.close();
    unlock();
  }
}

async function checkBase(journal: Journal, checker: Checker, deps: RefactorDependencies): Promise<void> {
  const { base, options } = journal.state;
  deps.say(`Verifying ${base.slice(0, 12)} as it is …`);
  const red = await checker.check(base, options.verify);
  if (red === null) return;
  rmSync(journal.folder, { recursive: true, force: true });
  throw new AcrError(
    'ACR_INVALID_REQUEST',
    `"${options.verify}" fails in the sandbox before any change, so it could not tell right from wrong.\n` +
      `It sees the committed files, the ${options.language} toolchain and no network. If it needs folders that git ignores, ` +
      `add for example --include node_modules; --language chooses another toolchain.\n${red}`,
  );
}

/**
 * Tells when the command for one file fails on a file as it is: that may be what the change is to mend, or a mistake in the
 * command, for which every answer would be paid and refused.
 */
async function tryPerFileVerify(
  journal: Journal,
  snapshot: Snapshot,
  checker: Checker,
  deps: RefactorDependencies,
): Promise<void> {
  const { base, options } = journal.state;
  const [unit] = planUnits(snapshot, options).filter((u) => u.skipped === null);
  if (options.perFileVerify === null || !unit) return;
  const command = checkCommand(options, unit.paths);
  const red = await checker.check(base, command);
  if (red !== null)
    deps.say(
      `"${command}" fails on the file as it is. If the change is not to mend that, stop now (Ctrl-C) and correct --per-file-verify.\n${red}`,
    );
}

async function ask(
  journal: Journal,
  snapshot: Snapshot,
  scratch: Scratch,
  deps: RefactorDependencies,
): Promise<void> {
  const { base, inLoop, options } = journal.state;
  const archive = inLoop ? (await scratch.archive(base)).toString('base64') : null;
  await collectAnswers(journal, {
    service: deps.service,
    taskOf: (unit) => ({
      ...taskOf(unit, snapshot, options, archive, journal.state.retries[unit.key]?.reason),
      id: nameOf(journal.state, unit),
    }),
    progress: deps.progress,
    signal: deps.signal,
  });
}
