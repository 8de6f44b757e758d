import { endOfBrackets } from './prompt-tests';

/** Longest list of parameters that is read, characters. */
const MAX_LIST = 2_000;

const escaped = (name: string) => name.replace(/[^\w]/g, '\\$&');

const HEADS = {
  python: (n: string) => new RegExp(`^[ \\t]*(?:async[ \\t]+)?def[ \\t]+${n}[ \\t]*\\(`, 'm'),
  script: (n: string) =>
    new RegExp(
      `\\bfunction\\b[ \\t]*\\*?[ \\t]*${n}[ \\t]*\\(|\\b(?:const|let|var)[ \\t]+${n}[ \\t]*=[ \\t]*(?:async[ \\t]*)?(?:function[ \\t]*)?\\(`,
    ),
};

/** The parameters of the first definition of `name` in `code`, each as written; `null` without a definition. */
export function parametersIn(code: string, name: string, family: keyof typeof HEADS): string[] | null {
  const found = HEADS[family](escaped(name)).exec(code);
  if (!found) return null;
  const open = found.index + found[0].length - 1;
  const end = endOfBrackets(code, open, MAX_LIST);
  return end < 0 ? null : splitAtTop(code.slice(open + 1, end - 1)).filter((p) => p !== '');
}

/** Parts between the commas that no bracket encloses, trimmed. */
export function splitAtTop(text: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if ('([{<'.includes(c)) depth++;
    else if (')]}'.includes(c) || (c === '>' && !'=-'.includes(text[i - 1] ?? ' '))) depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}

/** Whether a parameter may be left out of a call: a default, `x?`, `*args`, `...rest`, or a mark such as `*`. */
export const isOptional = (parameter: string): boolean =>
  /^(?:[*/]|\.\.\.)/.test(parameter) || /=(?!>)/.test(parameter) || /^\w+\?\s*(?::|$)/.test(parameter);
