import { AcrError } from '@acrouter/domain/errors';
import { applyEdits } from '@acrouter/domain/verification/edits';
import type { Checker } from './checker';
import { answerOf } from './collect';
import { neighboursOf } from './grouping';
import { nameOf, type Journal, type Unit } from './journal';
import { mergeGreen } from './merge';
import { checkCommand, type Snapshot } from './plan';
import { checkFailure, loopFailure, noAnswer, type Failure } from './reasons';
import type { Changes, Scratch } from './scratch';

/** What became of a unit. */
export interface UnitEnd {
  unit: Unit;
  status: 'merged' | 'failed' | 'skipped';
  /** Why not, in one line; `null` when merged. */
  reason: string | null;
  /** End of what the command printed that failed; `null` where nothing is known. */
  output: string | null;
  /** Commit on the branch; `null` unless merged. */
  commit: string | null;
  /** What the answer changes, where it can be applied. */
  changes: Changes | null;
}

/** The finished branch. */
export interface Integrated {
  head: string;
  ends: UnitEnd[];
}

export interface IntegrateDependencies {
  journal: Journal;
  snapshot: Snapshot;
  scratch: Scratch;
  checker: Checker;
  say: (line: string) => void;
}

interface Candidate {
  unit: Unit;
  changes: Changes;
}

/** Checks after each single change are made when all of them take at most so long, ms. */
const ONE_BY_ONE_MS = 5 * 60_000;

/**
 * Merges the answers onto the base: in the order of the units, whole verified, offenders set aside; then those that
 * failed alone but hang together with something merged get a second chance. Everything it does is either in the
 * journal or the same when done again, so it may be killed anywhere.
 */
export async function integrate(deps: IntegrateDependencies): Promise<Integrated> {
  const { journal, checker, say } = deps;
  const { base, options } = journal.state;
  const ends = new Map<string, UnitEnd>();
  const { sound, doubtful } = await sortAnswers(deps, ends);
  const check = async (changes: readonly Candidate[]) => {
    const failure = await checker.check(await headOf(deps, changes), options.verify);
    say(`  ${failure === null ? 'green' : 'red  '} with ${changes.length} of ${sound.length} changes`);
    return failure === null ? null : checkFailure(options.verify, changes.length - 1, failure);
  };
  const oneByOne = checker.durationMs(base, options.verify) * sound.length <= ONE_BY_ONE_MS;
  const first = await mergeGreen([], sound, check, oneByOne);
  const mergedPaths = new Set(first.accepted.flatMap((c) => c.unit.paths));
  const leftovers = [...first.offenders.map((o) => o.item), ...doubtful];
  const again = leftovers.filter((c) => c.unit.paths.some((p) => isNear(deps, p, mergedPaths)));
  const second = await mergeGreen(first.accepted, again, check, true);
  const failures = new Map([...first.offenders, ...second.offenders].map((o) => [o.item.unit.key, o.reason]));
  const accepted = new Set(second.accepted.map((c) => c.unit.key));
  for (const { unit, changes } of leftovers.filter((c) => !accepted.has(c.unit.key))) {
    const failure = failures.get(unit.key) ?? failureInLoop(journal, unit);
    ends.set(unit.key, { unit, status: 'failed', ...failure, commit: null, changes });
  }
  for (const [i, { unit, changes }] of second.accepted.entries()) {
    const commit = await headOf(deps, second.accepted.slice(0, i + 1));
    ends.set(unit.key, { unit, status: 'merged', reason: null, output: null, commit, changes });
  }
  const head = await headOf(deps, second.accepted);
  const red = await checker.check(head, options.verify);
  if (red !== null) throw new AcrError('ACR_INTERNAL', `The merged branch is red after all: ${red}`);
  return { head, ends: journal.state.units.map((u) => ends.get(u.key) as UnitEnd) };
}

const isNear = ({ snapshot }: IntegrateDependencies, path: string, merged: ReadonlySet<string>): boolean =>
  neighboursOf(path, snapshot.graph).some((p) => merged.has(p));

/** Reads every answer. Sound: passed its check. Doubtful: applies, but failed the whole's verification alone. */
async function sortAnswers(
  deps: IntegrateDependencies,
  ends: Map<string, UnitEnd>,
): Promise<{ sound: Candidate[]; doubtful: Candidate[] }> {
  const { journal } = deps;
  const sound: Candidate[] = [];
  const doubtful: Candidate[] = [];
  for (const unit of journal.state.units) {
    const fail = (failure: Failure, changes: Changes | null) =>
      ends.set(unit.key, {
        unit,
        status: unit.skipped === null ? 'failed' : 'skipped',
        ...failure,
        commit: null,
        changes,
      });
    const read = readAnswer(deps, unit);
    if (typeof read === 'string') fail({ reason: read, output: null }, null);
    else {
      const verdict = await judge(deps, unit, read);
      if (verdict === 'sound') sound.push({ unit, changes: read });
      else if (verdict === 'doubtful') doubtful.push({ unit, changes: read });
      else fail(verdict, read);
    }
  }
  return { sound, doubtful };
}

/** The changes of a unit's answer, or why there are none. */
function readAnswer({ journal, snapshot }: IntegrateDependencies, unit: Unit): Changes | string {
  if (unit.skipped !== null) return unit.skipped;
  const name = nameOf(journal.state, unit);
  const result = journal.state.results[name];
  if (!result) return 'the run was cancelled before this task was submitted';
  const answer = answerOf(journal, name);
  if (answer === null) return noAnswer(result.outcome, result.taskId);
  const originals = Object.fromEntries(unit.paths.map((p) => [p, snapshot.texts.get(p) ?? '']));
  const edits = applyEdits(answer, originals);
  if (edits.kind === 'rejected') return edits.reason;
  return Object.fromEntries(
    Object.entries(edits.files).map(([path, text]) => [
      path,
      { mode: snapshot.files.get(path)?.mode ?? '100644', text },
    ]),
  );
}

function failureInLoop({ state }: Journal, unit: Unit): Failure {
  const result = state.results[nameOf(state, unit)];
  return loopFailure(state.options.verify, result?.outcome, result?.taskId ?? unit.key);
}

async function judge(
  deps: IntegrateDependencies,
  unit: Unit,
  changes: Changes,
): Promise<'sound' | 'doubtful' | Failure> {
  const { journal, checker, scratch } = deps;
  const { options, inLoop, results, base } = journal.state;
  if (inLoop && results[nameOf(journal.state, unit)]?.outcome === 'solved') return 'sound';
  if (options.perFileVerify === null) return inLoop ? 'doubtful' : 'sound';
  const commit = await scratch.commit(base, changes, messageOf(deps, unit));
  const command = checkCommand(options, unit.paths);
  const failure = await checker.check(commit, command);
  return failure === null ? 'sound' : checkFailure(command, 0, failure);
}

/** The commit with all of `changes`, one commit each, on top of the base. */
async function headOf(deps: IntegrateDependencies, changes: readonly Candidate[]): Promise<string> {
  let head = deps.journal.state.base;
  for (const c of changes) head = await deps.scratch.commit(head, c.changes, messageOf(deps, c.unit));
  return head;
}

function messageOf({ journal }: IntegrateDependencies, unit: Unit): string {
  const { id, options, results } = journal.state;
  const more = unit.paths.length > 1 ? ` and ${unit.paths.length - 1} more` : '';
  const result = results[nameOf(journal.state, unit)];
  return [
    `refactor: ${unit.paths[0]}${more}`,
    '',
    options.instruction.trim(),
    '',
    `Acr-Refactor: ${id}`,
    `Acr-Model: ${result?.model ?? 'unknown'}`,
    `Acr-Task: ${result?.taskId ?? 'unknown'}`,
  ].join('\n');
}

/** Rounds of asking where the loop could not check answers and `--max-attempts` says nothing. */
const DEFAULT_ROUNDS = 3;

/**
 * Where answers are checked here and not in the loop, those that failed are asked for again, with the reason.
 * @returns whether there is anything to ask
 */
export function planRetries(journal: Journal, { ends }: Integrated): boolean {
  const { inLoop, options, retries, results } = journal.state;
  if (inLoop) return false;
  const next = ends.flatMap((end) => {
    const round = retries[end.unit.key]?.round ?? 1;
    const answered = results[nameOf(journal.state, end.unit)]?.answered;
    if (end.status !== 'failed' || !answered || round >= (options.maxAttempts ?? DEFAULT_ROUNDS)) return [];
    const reason = [end.reason, end.output].filter((text) => text !== null).join('\n');
    return [[end.unit.key, { round: round + 1, reason }] as const];
  });
  if (next.length > 0) journal.update((s) => (s.retries = { ...s.retries, ...Object.fromEntries(next) }));
  return next.length > 0;
}
