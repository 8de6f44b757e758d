import type { CheckedLanguage } from './languages';

/** One example found in a prompt: evaluate `source` after `setup`, expect `want`. */
export interface PromptExample {
  /** Statements that come before, in order (doctest lines without a result). */
  setup: string[];
  /** Expression, in the task's language. */
  source: string;
  /** What the prompt shows: a literal, or the printed form. */
  want: string;
  /** Name of the error that is expected instead of a value. */
  raises: string | null;
  /** The notation it was found in. */
  form: 'doctest' | 'assert' | 'relation' | 'input-output' | 'prose';
}

const MAX_EXAMPLES = 50;
/** Bounds on what a hostile prompt can make us look at: calls of the function, the length of one, of one line. */
const MAX_CALLS = 400;
const MAX_CALL = 2_000;
const MAX_LINE = 2_000;
const CLOSERS: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/**
 * End of the bracketed expression that begins at `start` (index after its closing bracket), or -1 when it is
 * longer than `limit` characters. Quoted brackets do not count.
 */
export function endOfBrackets(text: string, start: number, limit = 20_000): number {
  const stack: string[] = [];
  for (let i = start; i < text.length && i - start < limit; i++) {
    const c = text[i] as string;
    if (c === '"' || c === "'" || c === '`') {
      i = endOfString(text, i);
      if (i < 0) return -1;
    } else if (CLOSERS[c]) {
      stack.push(CLOSERS[c]);
    } else if (c === stack.at(-1)) {
      stack.pop();
      if (stack.length === 0) return i + 1;
    } else if (c === ')' || c === ']' || c === '}') {
      return -1;
    }
  }
  return -1;
}

/** Index of the quote that closes the string at `start`, or -1 when it does not end on its line. */
function endOfString(text: string, start: number): number {
  const quote = text[start] as string;
  const triple = quote.repeat(3);
  if (quote !== '`' && text.startsWith(triple, start)) {
    const end = text.indexOf(triple, start + 3);
    return end < 0 ? -1 : end + 2;
  }
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i;
    else if (text[i] === '\n') return -1;
  }
  return -1;
}

/** Doctests as Python's doctest module reads them: `>>>`, `...`, then the expected lines up to a blank one. */
function doctests(prompt: string): PromptExample[] {
  const lines = prompt.split('\n');
  const examples: PromptExample[] = [];
  let setup: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const first = /^(\s*)>>>\s?(.*)$/.exec(lines[i] as string);
    if (!first) continue;
    const indent = first[1] ?? '';
    let source = first[2] ?? '';
    while (/^\s*\.\.\.( |$)/.test(lines[i + 1] ?? ''))
      source += `\n${(lines[++i] as string).replace(/^\s*\.\.\. ?/, '')}`;
    const want: string[] = [];
    while (i + 1 < lines.length && continues(lines[i + 1] as string))
      want.push((lines[++i] as string).replace(indent, ''));
    const expected = want.join('\n').trim();
    const raised = /^Traceback[\s\S]*^(\w+)(:|$)/m.exec(expected)?.[1] ?? null;
    const code = withoutComment(source);
    const claim = expected === '' ? comparison(code) : { source: code, want: expected };
    if (claim) examples.push({ setup, ...claim, raises: raised, form: 'doctest' });
    if (claim) setup = [];
    else setup.push(code);
  }
  return examples;
}

/** `f(1) == 2` as an example, where the right side is a literal. */
function comparison(source: string): { source: string; want: string } | null {
  const [, left, right = ''] = /^(.*?\S)\s*===?\s*(\S.*)$/s.exec(source) ?? [];
  return left && literalAt(right) === right ? { source: left, want: right } : null;
}

const continues = (line: string) =>
  line.trim() !== '' && !/^\s*>>>/.test(line) && !/^\s*("""|''')/.test(line);

/** Drops a trailing `# comment` on the last line; only where no quote follows it. */
function withoutComment(source: string): string {
  const from = Math.max(...["'", '"', '`', '\n'].map((c) => source.lastIndexOf(c))) + 1;
  const at = source.slice(from).search(/\s(#|\/\/)/);
  return (at < 0 ? source : source.slice(0, from + at)).trim();
}

const RELATION =
  /^\s*(?:==>|===?|=>|-->|->|→|➞|⇒|➜|=|(?:should |must |will |would )?(?:returns?|equals?|evaluates? to|gives?|yields?|outputs?|is|be)\b:?|#\s*(?:=>|->|returns?)?|\/\/\s*(?:=>|->|returns?)?)\s*/i;

/** Literal at the start of `text`: a bracket, a string, a number or a constant. `null` for anything else. */
export function literalAt(text: string): string | null {
  const c = text[0];
  if (c === undefined) return null;
  if (CLOSERS[c]) {
    const end = endOfBrackets(text, 0);
    return end < 0 ? null : text.slice(0, end);
  }
  if (c === '"' || c === "'") {
    const end = endOfString(text, 0);
    return end < 0 ? null : text.slice(0, end + 1);
  }
  return (
    /^(-?\d[\d_]*(\.\d+)?([eE][-+]?\d+)?|-?\.\d+|-?(?:inf|Infinity|NaN)|True|False|None|true|false|null|undefined)(?!\.*\w)/.exec(
      text,
    )?.[0] ?? null
  );
}

const VALUES = new Set(
  'True False None true false null undefined inf nan NaN Infinity float int str bool set frozenset list dict tuple range bytes complex new Map Set Date BigInt'.split(
    ' ',
  ),
);

/** Whether a call's arguments can be evaluated as they stand: no word in them but values and keyword names. */
export function selfContained(args: string): boolean {
  const bare = args
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replace(/\b[A-Za-z_]\w*\s*=(?!=)/g, '');
  return (
    [...bare.matchAll(/(?<![\w.])[A-Za-z_$][\w$]*/g)].every(([word]) => VALUES.has(word)) &&
    !bare.includes('...')
  );
}

/** What may follow a literal for the example to be whole: a comment, a sentence's end, never an operator. */
const ENDS = /^\s*(?:$|[.,;:)]|#|\/\/|\n|because\b|since\b|and\b|or\b|where\b|as\b|\(|"""|''')/;

/** Calls of `name` in prose and asserts: `f(1) == 2`, `f(1) ➞ 2`, `f(1) returns 2`, `assert f(1) == 2`. */
function relations(prompt: string, name: string): PromptExample[] {
  const examples: PromptExample[] = [];
  const call = new RegExp(`(?<![\\w.])${name.replace(/[^\w]/g, '\\$&')}\\s*\\(`, 'g');
  let calls = 0;
  for (const found of prompt.matchAll(call)) {
    if (++calls > MAX_CALLS) break;
    const open = found.index + found[0].length - 1;
    const end = endOfBrackets(prompt, open, MAX_CALL);
    const before = prompt.slice(prompt.lastIndexOf('\n', found.index) + 1, found.index);
    if (end < 0 || /\b(def|function|func|fn|class)\s*$|>>>/.test(before)) continue;
    const relation = RELATION.exec(prompt.slice(end, end + MAX_LINE).split('\n', 1)[0] as string);
    if (!relation) continue;
    const rest = prompt.slice(end + relation[0].length);
    const want = literalAt(rest);
    if (want === null || !ENDS.test(rest.slice(want.length))) continue;
    if (!selfContained(prompt.slice(open + 1, end - 1))) continue;
    const form = /\bassert\s*$/.test(before) ? 'assert' : 'relation';
    examples.push({ setup: [], source: prompt.slice(found.index, end), want, raises: null, form });
  }
  return examples;
}

const INPUT = /^[\s*#>-]*(?:sample )?input[\s*]*[:=][\s*]*(.*)$/i;
const OUTPUT = /^[\s*#>-]*(?:sample |expected )?output[\s*]*[:=][\s*]*(.+?)[\s.;]*$/i;
/** Lines that the values of one `Input:` may take. */
const MAX_INPUT_LINES = 12;

const shortLines = (text: string) => text.split('\n').map((line) => (line.length > MAX_LINE ? '' : line));

/** `Input: x = 1, y = [2]` (or one value per line) followed by `Output: 3`, where every part is a literal. */
function inputOutputs(prompt: string, name: string): PromptExample[] {
  const lines = shortLines(prompt.replace(/`/g, ''));
  return lines.flatMap((line, start) => {
    const first = INPUT.exec(line)?.[1];
    if (first === undefined) return [];
    const given = [first];
    let at = start + 1;
    while (at < lines.length && at - start < MAX_INPUT_LINES && !OUTPUT.test(lines[at] as string))
      given.push(lines[at++] as string);
    const output = OUTPUT.exec(lines[at] ?? '')?.[1];
    const values = literalList(
      given
        .map((l) => l.trim())
        .filter(Boolean)
        .join(', '),
    );
    if (output === undefined || values === null || literalAt(output) !== output) return [];
    const source = `${name}(${values.join(', ')})`;
    return [{ setup: [], source, want: output, raises: null, form: 'input-output' as const }];
  });
}

const FOR_VALUES = /\bfor\s+([A-Za-z_]\w*\s*=.*)$/i;
const RESULT =
  /[,\s](?:the\s+)?(?:output|result|answer|function|return value)\s+(?:(?:should|must|will|would)\s+(?:be|return)|is|returns)\s*:?\s*/i;

/** `For n = 3, the output should be 6`, where the names are those of the function's parameters, in their order. */
function proseExamples(prompt: string, name: string): PromptExample[] {
  const escaped = name.replace(/[^\w]/g, '\\$&');
  const parameters = new RegExp(`\\b${escaped}\\s*\\(([^)\\n]{0,500})\\)`).exec(prompt)?.[1] ?? '';
  const names = parameters.split(',').map((p) => /\w+/.exec(p)?.[0] ?? '');
  return shortLines(prompt).flatMap((line) => {
    const tail = FOR_VALUES.exec(line)?.[1] ?? '';
    const result = RESULT.exec(tail);
    if (!result) return [];
    const given = assignments(tail.slice(0, result.index + 1));
    const rest = tail.slice(result.index + result[0].length);
    const want = literalAt(rest);
    if (given.names.join() !== names.join() || want === null || !ENDS.test(rest.slice(want.length)))
      return [];
    return [
      {
        setup: [],
        source: `${name}(${given.values.join(', ')})`,
        want,
        raises: null,
        form: 'prose' as const,
      },
    ];
  });
}

/** `a = 1, b = [2] and c = 3 …` up to where it stops being assignments of literals. */
function assignments(text: string): { names: string[]; values: string[] } {
  const names: string[] = [];
  const values: string[] = [];
  for (let rest = text; ;) {
    const head = /^[\s,]*(?:and\s+)?([A-Za-z_]\w*)\s*=\s*/.exec(rest);
    const value = head && literalAt(rest.slice(head[0].length));
    if (!head || value === null) return { names, values };
    names.push(head[1] as string);
    values.push(value);
    rest = rest.slice(head[0].length + value.length);
  }
}

/** Literals separated by commas, each perhaps named (`n = 3`); `null` when anything else is in there. */
function literalList(text: string): string[] | null {
  const values: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    rest = rest.replace(/^[A-Za-z_]\w*\s*[=:]\s*/, '');
    const value = literalAt(rest);
    if (value === null) return null;
    values.push(value);
    rest = rest.slice(value.length).trim();
    if (rest !== '' && !rest.startsWith(',') && !rest.startsWith(';')) return null;
    rest = rest.replace(/^[,;]\s*/, '');
  }
  return values.length > 0 ? values : null;
}

/** The function a prompt asks for, where it says so: its last definition, or "a function f / `f(x)`". */
export function entryPointOf(prompt: string, language: CheckedLanguage): string | null {
  const definition =
    language === 'python'
      ? /^(?:async )?def\s+([A-Za-z_]\w*)/gm
      : /^(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function\*?|func|fn)\s+([A-Za-z_$][\w$]*)/gm;
  const last = [...prompt.matchAll(definition)].at(-1)?.[1];
  if (last) return last;
  const named =
    /\bfunction\s+(?:called\s+|named\s+)?`?([A-Za-z_$][\w$]*)`?\s*\(|\bfunction\s+(?:called|named)\s+[`'"]?([A-Za-z_$][\w$]*)|\bfunction\s+`([A-Za-z_$][\w$]*)/i.exec(
      prompt,
    );
  return named?.[1] ?? named?.[2] ?? named?.[3] ?? null;
}

/**
 * Examples in a prompt that can be run as tests (paper.md: "tests embedded in the prompt, extracted and run").
 * Only what is unambiguous: an expression and a literal. `entryPoint` names the function; without it, the one
 * that the prompt defines. Repetitions are dropped; at most 50. For languages but Python and JavaScript, none.
 */
export function findPromptExamples(
  prompt: string,
  language: CheckedLanguage,
  entryPoint?: string,
): PromptExample[] {
  if (language !== 'python' && language !== 'javascript' && language !== 'typescript') return [];
  const text = prompt.slice(0, 200_000);
  const name = entryPoint ?? entryPointOf(text, language);
  const found = [
    ...(language === 'python' ? doctests(text) : []),
    ...(name ? [...relations(text, name), ...inputOutputs(text, name), ...proseExamples(text, name)] : []),
  ];
  const seen = new Set<string>();
  return found.filter((e) => !seen.has(e.source) && seen.add(e.source)).slice(0, MAX_EXAMPLES);
}
