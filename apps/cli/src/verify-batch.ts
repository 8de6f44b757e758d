import type { AnswerLine } from '@acrouter/contracts/answer-file';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { disputedExamples, ENOUGH_ANSWERS, withoutDisputed } from '@acrouter/domain/verification/disputed';
import { DEFAULT_WEIGHTS, scoreOf } from '@acrouter/domain/verification/score';
import type { Verdict } from '@acrouter/verification/verdict';

/** One answer with its verdict. */
export interface Checked {
  answer: AnswerLine;
  verdict: Verdict;
}

export const modelOf = (answer: AnswerLine): string =>
  typeof answer.rest['model'] === 'string' ? answer.rest['model'] : 'all answers';

const hasTests = (task: TaskSpec | undefined) =>
  Boolean(task?.verification?.tests ?? task?.verification?.command);

/** Tasks judged by their examples that have enough answers for these to contradict an example together. */
export function tasksToCompare(
  answers: readonly AnswerLine[],
  tasks: ReadonlyMap<string, TaskSpec>,
): Set<string> {
  const counts = new Map<string, number>();
  for (const { taskId } of answers) counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
  const enough = [...counts].filter(([id, count]) => count >= ENOUGH_ANSWERS && !hasTests(tasks.get(id)));
  return new Set(enough.map(([id]) => id));
}

/** The same verdicts with disputed examples set aside (domain/verification/disputed). */
export function setDisputedAside(checked: readonly Checked[]): Checked[] {
  const findingOf = ({ verdict }: Checked) => verdict.signals.find((s) => s.kind === 'prompt-tests');
  const outcomes = checked.flatMap((c) => {
    const finding = findingOf(c);
    return finding ? [{ model: modelOf(c.answer), finding }] : [];
  });
  const disputed = disputedExamples(outcomes);
  if (disputed.length === 0) return [...checked];
  return checked.map(({ answer, verdict }) => {
    const signals = verdict.signals.map((signal) => withoutDisputed(signal, disputed));
    // Weights of the default dimension: a task file's dimension changes the score, never whether it passed.
    const scored = scoreOf(signals, { weights: DEFAULT_WEIGHTS.code_generation });
    return { answer, verdict: { ...verdict, ...scored } };
  });
}

/** How verdicts compare with those that the answer file says are true (`recorded_passed`). */
export class Agreement {
  private readonly partly = { right: 0, all: 0 };
  private readonly counts = { truePass: 0, trueFail: 0, falsePass: 0, falseFail: 0, silent: 0 };

  add({ answer, verdict }: Checked): void {
    const truth = answer.rest['recorded_passed'];
    if (typeof truth !== 'boolean') return;
    const share = verdict.signals.find((s) => s.kind === 'prompt-tests')?.score ?? 0;
    if (share > 0 && share < 1) {
      this.partly.all++;
      if (truth) this.partly.right++;
    }
    if (!verdict.conclusive) this.counts.silent++;
    else if (verdict.passed) this.counts[truth ? 'truePass' : 'falsePass']++;
    else this.counts[truth ? 'falseFail' : 'trueFail']++;
  }

  /** One line for a person; `null` when no answer had a recorded verdict. */
  line(): string | null {
    const { truePass, trueFail, falsePass, falseFail, silent } = this.counts;
    const told = truePass + trueFail + falsePass + falseFail;
    if (told + silent === 0) return null;
    const { right, all } = this.partly;
    const partly = all === 0 ? '' : ` Of ${all} that met some examples and not others, ${right} were right.`;
    const share = told === 0 ? '–' : `${((100 * (truePass + trueFail)) / told).toFixed(2)} %`;
    return `Against recorded verdicts: ${truePass + trueFail} of ${told} agree (${share}): ${truePass} right and passed, ${trueFail} wrong and failed, ${falsePass} wrong but passed, ${falseFail} right but failed; ${silent} not verified.${partly}`;
  }
}
