import { findFences, type Fence } from './fences';
import { languageNamed, type CheckedLanguage } from './languages';

/** What is known of the task when code is looked for in an answer. */
export interface ExtractionContext {
  language: CheckedLanguage;
  prompt: string;
  entryPoint?: string;
}

/** How a program was made from an answer; stored as evidence. */
export type ExtractionWay = 'fence' | 'fences' | 'whole' | 'without-prose' | 'body';

/** One reading of an answer as a program. */
export interface Program {
  way: ExtractionWay;
  code: string;
  /** `code` with what the prompt brings (imports, helpers, the head of the function) put before it. */
  text: string;
}

const MAX_PROGRAMS = 12;
const PYTHON_START = /^(async def|def|class|import|from|@\w|if __name__)\b|^@\w/;
/** First line of a prompt that is Python code and not prose. */
const CODE_START = /^(async def|def|class|import|from|@|#|"""|'''|[A-Z_a-z]\w*\s*=)/;
const SCRIPT_START =
  /^(export|import|async function|function|class|const|let|var|module\.|exports\.|'use strict'|"use strict"|interface|type|enum|package|func|use|fn|pub|struct|impl|mod|#include|#!|using|public|private|template|int|void|bool|long|double|auto|static|namespace|\/\/|\/\*)/;

/** Names that pass through a regular expression unharmed. */
const escaped = (name: string) => name.replace(/[^\w]/g, '\\$&');

/** Matches where `name` is defined at the left margin. */
export function definitionOf(name: string, language: CheckedLanguage): RegExp {
  const n = escaped(name);
  return language === 'python'
    ? new RegExp(`^(async def|def|class)\\s+${n}\\b|^${n}[ \\t]*(:[^=\\n]+)?=[^=]`, 'm')
    : new RegExp(
        `(function\\*?|class|const|let|var|func|fn|def)\\s+${n}\\b|exports\\.${n}\\b|\\b${n}\\s*[=(]`,
        'm',
      );
}

/** Line ends made plain; byte order mark, hidden reasoning and zero-width characters outside code removed. */
function normalise(answer: string): string {
  return answer
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .replace(/^\s*<(think|thinking|reasoning)>[\s\S]*?<\/\1>\s*\n?/i, '');
}

const OTHER_TAGS = new Set([
  'text',
  'txt',
  'console',
  'output',
  'plaintext',
  'json',
  'yaml',
  'toml',
  'xml',
  'html',
  'css',
  'sql',
  'diff',
  'markdown',
  'md',
  'shell-session',
  'terminal',
  'powershell',
  'dockerfile',
  'ini',
  'csv',
]);

/** Blocks that can be code of the language: tagged so, or untagged when none is. */
function blocksOf(fences: readonly Fence[], language: CheckedLanguage): string[] {
  const tagged = fences.filter((f) => languageNamed(f.tag) === language);
  const chosen =
    tagged.length > 0
      ? tagged
      : fences.filter((f) => !OTHER_TAGS.has(f.tag) && (f.tag === '' || !languageNamed(f.tag)));
  return (chosen.length > 0 ? chosen : fences.filter((f) => !OTHER_TAGS.has(f.tag)))
    .map((f) => f.text)
    .filter((text) => text.trim() !== '' && !/^\s*(>>>|\$ )/.test(text));
}

/** Readings of a Markdown reply: the last block that defines what is asked for, then all blocks, then each. */
function fromFences(answer: string, context: ExtractionContext): Omit<Program, 'text'>[] {
  const blocks = blocksOf(findFences(answer), context.language);
  if (blocks.length === 0) return [];
  const { entryPoint } = context;
  const defining = entryPoint ? blocks.filter((b) => definitionOf(entryPoint, context.language).test(b)) : [];
  const all = { way: 'fences' as const, code: blocks.join('\n\n') };
  const single = (code: string) => ({ way: 'fence' as const, code });
  if (defining.length > 0) return [...defining.toReversed().map(single), all];
  return blocks.length === 1 ? [single(blocks[0] as string)] : [all, ...blocks.toReversed().map(single)];
}

const isProse = (line: string) =>
  /^\s*(#{1,6} |\*\*|[-*] |\d+\. )?[A-Z"'`(]?[\w'’`-]+[,:]?( [\w'’`()"*,-]+){3,}.*[.:!?)*]?\s*$/.test(line) &&
  !/[=;{}]|\)\s*:$|^\s*(return|raise|import|from|if|for|while|else|elif|with|assert|def|class)\b/.test(line);

/** Drops sentences before the first and after the last line of code of a reply without fences. */
function withoutProse(answer: string, language: CheckedLanguage): string | null {
  const lines = answer.split('\n');
  const start = language === 'python' ? PYTHON_START : SCRIPT_START;
  const first = lines.findIndex((line) => start.test(line) && !isProse(line));
  if (first < 0) return null;
  let last = lines.length;
  for (let i = lines.length - 1; i > first; i--) {
    const line = lines[i] as string;
    if (line.trim() === '' || /^\s*(`{3,}|~{3,})/.test(line) || (/^\S/.test(line) && isProse(line))) last = i;
    else break;
  }
  // Prose in the middle ends the code too: what follows it explains.
  const stop = lines.findIndex((line, i) => i > first && i < last && /^[A-Z]/.test(line) && isProse(line));
  return lines.slice(first, stop > 0 ? stop : last).join('\n');
}

const indentOf = (line: string) => line.length - line.trimStart().length;

/**
 * A bare body, indented to stand below a `def`. Models and their clients strip the first line's indentation,
 * so it is rebuilt from the line that follows.
 * @param least columns that the body of this `def` stands in; 4 at the left margin, more for a method
 */
export function indentBody(body: string, least = 4): string {
  const lines = body.replace(/^(\s*\n)+/, '').split('\n');
  const [head = '', ...rest] = lines;
  const next = rest.find((line) => line.trim() !== '');
  if (indentOf(head) === 0 && next !== undefined && indentOf(next) > 0) {
    const opens = /:\s*(#.*)?$/.test(head);
    const margin = indentOf(next) - (opens ? 4 : 0);
    if (margin > 0) return [' '.repeat(margin) + head, ...rest].join('\n');
  }
  const missing = least - indentOf(head);
  if (indentOf(head) > 0 && (least === 4 || missing <= 0)) return lines.join('\n');
  return lines.map((line) => (line.trim() === '' ? line : ' '.repeat(missing) + line)).join('\n');
}

/** Columns that the body of the last `def` of a stub stands in. */
const bodyColumns = (stub: string): number =>
  indentOf([...stub.matchAll(/^[ \t]*(?:async )?def\s/gm)].at(-1)?.[0] ?? '') + 4;

/** Whether Python code ends in a `def` without a body: nothing but a docstring and comments below its head. */
function endsOpen(code: string): boolean {
  const last = [...code.matchAll(/^[ \t]*(?:async )?def\s+\w+/gm)].at(-1);
  if (!last) return false;
  const lines = code.slice(last.index).trimEnd().split('\n');
  const head = lines.findIndex((line) => /:\s*(#.*)?$/.test(line));
  const below = lines
    .slice(head + 1)
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .trim();
  if (head < 0 || below === '') return head >= 0;
  const quotes = /^[rRuU]?("""|\'\'\')/.exec(below)?.[1];
  return quotes !== undefined && below.length >= 6 && below.indexOf(quotes, 4) === below.length - 3;
}

/** The part of a prompt that is code before the function asked for: imports and helper functions. */
export function preambleOf(context: ExtractionContext): string {
  const code = promptCode(context);
  if (!context.entryPoint) return importsOf(code, context.language);
  const found = definitionOf(context.entryPoint, context.language).exec(code);
  if (!found) return importsOf(code, context.language);
  const before = code.slice(0, found.index);
  const lines = before.split('\n');
  const first = lines.findIndex((line) => line.trim() !== '');
  // Prose before the function: only its imports can be meant.
  const start = context.language === 'python' ? CODE_START : SCRIPT_START;
  return first < 0 || start.test(lines[first] as string) ? before : importsOf(before, context.language);
}

/** The prompt's code: its fence that defines the function, or the prompt itself. */
function promptCode(context: ExtractionContext): string {
  const blocks = blocksOf(findFences(context.prompt), context.language);
  const defining = blocks.find(
    (b) => context.entryPoint && definitionOf(context.entryPoint, context.language).test(b),
  );
  return defining ?? (blocks.length > 0 && !context.entryPoint ? (blocks[0] as string) : context.prompt);
}

/** Longest line that can be an import; anything longer is data. */
const MAX_IMPORT_LINE = 1_000;

function importsOf(text: string, language: CheckedLanguage): string {
  const pattern =
    language === 'python'
      ? /^(import [\w., ]+|from [\w.]+ import [\w*, ]+)$/
      : /^(import .* from .*|const .* = require\(.*\);?)$/;
  return text
    .split('\n')
    .filter((line) => line.length <= MAX_IMPORT_LINE && pattern.test(line))
    .join('\n');
}

/** Code of the prompt down to the head of a function, for a bare body; `null` when the prompt is not unfinished code. */
function stubOf(context: ExtractionContext): string | null {
  const { entryPoint, language } = context;
  if (language !== 'python') return null;
  const code = promptCode(context);
  const isStub = entryPoint && definitionOf(entryPoint, language).test(code);
  return isStub || (CODE_START.test(code.trimStart()) && endsOpen(code)) ? `${code.trimEnd()}\n` : null;
}

/**
 * Every sensible reading of a model's answer as a program, best first, without repetition, at most 12. The
 * first that parses and defines what is asked for is taken, by the language's own parser in the sandbox.
 * Never throws; an empty answer gives the prompt alone.
 */
export function readPrograms(answer: string, context: ExtractionContext): Program[] {
  const text = normalise(answer);
  const preamble = preambleOf(context);
  const stub = stubOf(context);
  const prose = withoutProse(text, context.language);
  const fenced = fromFences(text, context);
  const startsAsCode = (context.language === 'python' ? PYTHON_START : SCRIPT_START).test(text.trimStart());
  const whole = [{ way: 'whole' as const, code: text }];
  // Markdown as a whole is never the program, even where a lenient parser takes it for one.
  const stripped = prose === null ? [] : [{ way: 'without-prose' as const, code: prose }];
  const readings: Omit<Program, 'text'>[] =
    fenced.length > 0 && !startsAsCode ? [...fenced, ...stripped] : [...whole, ...fenced, ...stripped];
  const join = (before: string, code: string) =>
    before.trim() === '' ? code : `${before.trimEnd()}\n\n${code}`;
  const programs = readings.flatMap((r) => [
    { ...r, text: join(preamble, r.code) },
    ...(stub === null
      ? []
      : [{ way: 'body' as const, code: r.code, text: stub + indentBody(r.code, bodyColumns(stub)) }]),
    { ...r, text: r.code },
  ]);
  const seen = new Set<string>();
  return programs.filter((p) => !seen.has(p.text) && seen.add(p.text)).slice(0, MAX_PROGRAMS);
}
