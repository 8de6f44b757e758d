import type { Outcome } from '@acrouter/domain/task';
import type { SandboxResult } from '@acrouter/sandbox/sandbox';
import { fewerTests } from './tests-run';

/** Why a change was not merged. */
export interface Failure {
  /** One line that says what failed and, where nothing of it is in `output`, where to look. */
  reason: string;
  /** End of what the command printed; `null` where none ran here or it was silent. */
  output: string | null;
}

/** Characters of a command that are shown; scripts may be long. */
const SHOWN_CHARS = 80;

/** A command in one line, in quotes. */
function named(command: string): string {
  const line = command.trim().replace(/\s+/g, ' ');
  return `"${line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS - 1)}…` : line}"`;
}

/**
 * `null` when the command was green, else how it ended in one line, then the end of what it printed.
 * @param tests `before`: how many tests ran before any change, `now`: with it; see `testsRun`
 */
export function failureOf(
  result: SandboxResult,
  memoryBytes: number,
  timeoutMs: number,
  tests: { before: number | null; now: number | null } = { before: null, now: null },
): string | null {
  const { outcome, stdout, stderr } = result;
  const tail = `${stdout}\n${stderr}`.trim().slice(-1_500);
  if (outcome.kind === 'ended' && outcome.exitCode === 0) {
    const fewer = fewerTests(tests.before, tests.now);
    return fewer && `${fewer}\n${tail}`;
  }
  switch (outcome.kind) {
    case 'ended':
      return `exit code ${outcome.exitCode}\n${tail}`;
    case 'timed-out':
      return `it ${outcome.limit === 'wall' ? 'took' : 'computed'} more than ${timeoutMs / 1_000} s (--verify-timeout)\n${tail}`;
    case 'killed':
      return `it was killed by ${outcome.signal}\n${tail}`;
    case 'out-of-memory':
      return `it needed more than ${memoryBytes / 1024 ** 3} GB of memory\n${tail}`;
    case 'output-flood':
      return `it printed far too much\n${tail}`;
    default:
      return `${outcome.kind}\n${tail}`;
  }
}

/**
 * The failure of a check that ran here.
 * @param others changes that the command saw besides this one
 * @param failure as Checker.check returns it: how the command ended, then the end of what it printed
 */
export function checkFailure(command: string, others: number, failure: string): Failure {
  const [end, ...rest] = failure.split('\n');
  const output = rest.join('\n').trim();
  const seen =
    others === 0
      ? 'with this change alone'
      : `with this change on top of ${others} that ${others === 1 ? 'was' : 'were'} merged before`;
  const silent = output === '' ? '; it printed nothing' : '';
  return { reason: `${named(command)} failed ${seen}: ${end}${silent}`, output: output || null };
}

/** The failure of an answer that the loop could not settle, and nothing here could either. */
export function loopFailure(command: string, outcome: Outcome | undefined, taskId: string): Failure {
  const what = outcome === 'unverified' ? 'could not be run on' : 'did not pass with';
  return { reason: `${named(command)} ${what} this change alone; ${explained(taskId)}`, output: null };
}

/** Why a settled task has no answer. */
export function noAnswer(outcome: Outcome, taskId: string): string {
  switch (outcome) {
    case 'over-budget':
      return 'the budget did not allow an attempt (calls under way hold their worst case: see --concurrency)';
    case 'cancelled':
      return 'the task was cancelled';
    case 'expired':
      return `its time was over before a model answered; ${explained(taskId)}`;
    case 'failed':
      return `no model answered (outages only); ${explained(taskId)}`;
    default:
      return `no model gave an answer; ${explained(taskId)}`;
  }
}

const explained = (taskId: string): string => `acr explain ${taskId} tells each attempt`;
