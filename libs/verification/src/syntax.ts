import { findFences } from '@acrouter/domain/verification/fences';
import { guessLanguage } from '@acrouter/domain/verification/languages';
import { silent, speaks, type Finding } from '@acrouter/domain/verification/signals';
import type { Check, Checked } from './check';
import { grammarFinding } from './grammar';

/**
 * What was found out about an answer's text as a program: as the checks say; by a grammar where no toolchain was
 * there to say it; and nothing where the answer is prose, which a question about code may well be answered with.
 */
export async function readAsCode(check: Check, checked: Checked): Promise<Finding[]> {
  const { tests, command, edits, repository } = check.task.verification ?? {};
  const given = tests !== undefined || command !== undefined;
  if (!given && check.task.dimension === 'code_understanding' && isProse(check.answer))
    return [silent('syntax', 'unavailable', 'the answer is prose')];
  const { findings } = checked;
  if (checked.ran || check.language === null || command || edits || repository) return findings;
  if (findings.some((f) => f.kind === 'syntax' && speaks(f))) return findings;
  const syntax = await grammarFinding(
    check.language,
    check.programs.map((p) => p.text),
  );
  return speaks(syntax) ? [...findings.filter((f) => f.kind !== 'syntax'), syntax] : findings;
}

const isProse = (answer: string): boolean =>
  findFences(answer).length === 0 && guessLanguage(answer) === null;
