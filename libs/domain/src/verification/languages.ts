/** Languages that answers are checked in. */
export const CHECKED_LANGUAGES = [
  'python',
  'javascript',
  'typescript',
  'bash',
  'go',
  'java',
  'rust',
  'cpp',
] as const;
export type CheckedLanguage = (typeof CHECKED_LANGUAGES)[number];

const ALIASES: Record<CheckedLanguage, readonly string[]> = {
  python: ['py', 'python3', 'py3', 'python2', 'pycon'],
  javascript: ['js', 'node', 'nodejs', 'mjs', 'cjs', 'jsx', 'ecmascript'],
  typescript: ['ts', 'mts', 'cts', 'tsx'],
  bash: ['sh', 'shell', 'zsh', 'shellscript'],
  go: ['golang'],
  java: [],
  rust: ['rs'],
  cpp: ['c++', 'cc', 'cxx', 'cplusplus'],
};

/** File that an answer is written to when a command checks it, by language. */
export const ANSWER_FILES: Record<CheckedLanguage, string> = {
  python: 'answer.py',
  javascript: 'answer.js',
  typescript: 'answer.ts',
  bash: 'answer.sh',
  go: 'answer.go',
  java: 'Answer.java',
  rust: 'answer.rs',
  cpp: 'answer.cpp',
};

/** The language that a name or a fence's tag means, or `null` for one that cannot be checked. */
export function languageNamed(name: string): CheckedLanguage | null {
  const wanted = name
    .trim()
    .toLowerCase()
    .replace(/^\.|^language-/, '');
  return CHECKED_LANGUAGES.find((l) => l === wanted || ALIASES[l].includes(wanted)) ?? null;
}

/**
 * Marks of each language in plain code; the first that matches decides, so the telling ones come first. None
 * crosses a line's end or repeats without a bound, so that each takes time linear in the text.
 */
const MARKS: readonly (readonly [CheckedLanguage, RegExp])[] = [
  ['go', /^package \w+[ \t]*$|^func (\(\w+ \*?\w+\) )?\w+\(/m],
  [
    'rust',
    /^[ \t]*(pub )?fn \w+(<[^>\n]{0,200}>)?[ \t]*\([^)]{0,500}\)[ \t]*(->.*)?\{|^use std::|#\[derive/m,
  ],
  ['cpp', /^#include[ \t]*[<"]|^using namespace std|\bstd::\w+/m],
  ['java', /^[ \t]*public (final |abstract |static ){0,3}(class|interface|enum|record) \w+|^import java\./m],
  [
    'python',
    /^[ \t]*(async )?def \w+[ \t]*\(.*:[ \t]*$|^from [\w.]+ import |^import \w+(\.\w+)*( as \w+)?[ \t]*$/m,
  ],
  [
    'typescript',
    /^[ \t]*(export )?(interface|type) \w+.*[{=]|^[ \t]*(export )?(async )?function \w+\([^)]{0,500}:\s?\w/m,
  ],
  [
    'javascript',
    /^[ \t]*(export )?(async )?function\*? \w+[ \t]*\(|^[ \t]*(const|let|var) \w+[ \t]*=|=>[ \t]*[{(]|module\.exports/m,
  ],
  ['bash', /^#!.*\b(ba)?sh\b/m],
];

/** Guesses a language from code or from a prompt that holds code; `null` when nothing tells. */
export function guessLanguage(text: string): CheckedLanguage | null {
  const head = text.slice(0, 50_000);
  return MARKS.find(([, mark]) => mark.test(head))?.[0] ?? null;
}
