import type { CheckedLanguage } from './languages';

/** A command check as far as its isolation is concerned. */
export interface CommandCheck {
  language: CheckedLanguage | null;
  command: string;
  /** The task's own files. */
  files: Readonly<Record<string, string>>;
  /** Path of the answer's file in the same folder. */
  answerFile: string;
  answer: string;
}

const escaped = (text: string) => text.replace(/[^\w]/g, '\\$&');

/** `src/answer.py` → `src.answer` for Python, `answer` as the last part for both languages. */
function moduleNames(path: string): { dotted: string; stem: string } {
  const plain = path.replace(/\.[a-z]+$/i, '');
  return {
    dotted: plain.split('/').map(escaped).join('\\.'),
    stem: escaped(plain.split('/').at(-1) ?? plain),
  };
}

/** Where a text loads the answer as a module. */
function loads(language: CheckedLanguage, answerFile: string): RegExp {
  const { dotted, stem } = moduleNames(answerFile);
  return language === 'python'
    ? new RegExp(`^[ \\t]*(?:from|import)[ \\t]+(?:${dotted}|${stem})\\b`, 'm')
    : new RegExp(`(?:require\\(|from|import)\\s*['"](?:[^'"]*/)?${stem}(?:\\.[cm]?js)?['"]`);
}

/** Words of the answer that would need a file of the task: they make it impossible to run it elsewhere. */
function needsFiles(check: CommandCheck): boolean {
  return Object.keys(check.files).some((path) => {
    const { dotted, stem } = moduleNames(path);
    return check.language === 'python'
      ? new RegExp(`^[ \\t]*(?:from|import)[ \\t]+\\.*(?:${dotted}|${stem})\\b`, 'm').test(check.answer)
      : new RegExp(`(?:require\\(|from|import)\\s*['"](?:[^'"]*/)?${stem}(?:\\.[cm]?js(?:on)?)?['"]`).test(
          check.answer,
        );
  });
}

/**
 * Whether the answer can run in a sandbox of its own, away from the task's files, while the command sees a module
 * that stands for it: the files load it as a Python or JavaScript module, it loads none of them, and nothing
 * treats its file as a text (copies, reads or names it in quotes). Decided by the task's own text and by the
 * imports of the answer; an answer that imports a file of the task to escape this only meets the plain run.
 */
export function canStandAlone(check: CommandCheck): boolean {
  if (check.language !== 'python' && check.language !== 'javascript') return false;
  const texts = Object.entries(check.files)
    .filter(([path]) => path !== check.answerFile)
    .map(([, text]) => text);
  const load = loads(check.language, check.answerFile);
  if (!texts.some((text) => load.test(text))) return false;
  const name = check.answerFile.split('/').at(-1) ?? check.answerFile;
  const asText =
    check.language === 'python'
      ? new RegExp(`['"](?:[^'"]*/)?${escaped(name)}['"]`)
      : new RegExp(`(?<!require\\(|from\\s|import\\s|import\\()['"](?:[^'"]*/)?${escaped(name)}['"]`);
  return !texts.some((text) => asText.test(text)) && !needsFiles(check);
}

/** Identifiers in the task's own texts: names of the answer that the tests can mean. */
export function wordsOf(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => text.match(/[A-Za-z_$][\w$]*/g) ?? []))];
}
