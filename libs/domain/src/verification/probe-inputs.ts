import type { Random } from '../routing/policy';
import { endOfBrackets, selfContained } from './prompt-tests';
import { isOptional, parametersIn, splitAtTop } from './signatures';

/**
 * Calls on which several answers to one task can be compared: those that the task's own texts make, else calls with
 * made-up arguments of the types that a signature declares. Nothing is made up for what has no declared type.
 */

export type ProbedLanguage = 'python' | 'javascript' | 'typescript';

/** Calls that are enough to tell answers apart, and few enough for seconds. */
const MAX_PROBES = 16;
const MAX_CALL = 2_000;
const MAX_PARAMETERS = 8;

const escaped = (name: string) => name.replace(/[^\w]/g, '\\$&');

/**
 * Source texts of calls of `entryPoint`, at most 16, in the language. `texts`: prompt and given tests, where the
 * function may also be called `candidate`, as HumanEval does; `code`: where its signature may be, in order.
 */
export function probesFor(
  language: ProbedLanguage,
  entryPoint: string,
  texts: readonly string[],
  code: readonly string[],
  random: Random,
): string[] {
  const found = texts.flatMap((text) => [...callsIn(text, entryPoint), ...callsIn(text, 'candidate')]);
  const calls = found.map((args) => `${entryPoint}${args}`);
  const types = code.reduce<string[] | null>(
    (t, text) => t ?? parametersOf(text, entryPoint, language),
    null,
  );
  const made = types === null ? [] : madeUp(types, language, random).map((args) => `${entryPoint}(${args})`);
  return [...new Set([...calls, ...made])].slice(0, MAX_PROBES);
}

/** Argument lists, with their brackets, of the calls of `name` whose arguments are plain values. */
function callsIn(text: string, name: string): string[] {
  const head = new RegExp(`(?<![\\w.])${escaped(name)}\\s*\\(`, 'g');
  return [...text.slice(0, 200_000).matchAll(head)].slice(0, 200).flatMap((found) => {
    const open = found.index + found[0].length - 1;
    const end = endOfBrackets(text, open, MAX_CALL);
    const before = text.slice(Math.max(0, found.index - 20), found.index);
    if (end < 0 || /\b(def|function|func|fn|class)\s*$/.test(before)) return [];
    const args = text.slice(open, end);
    return selfContained(args.slice(1, -1)) ? [args] : [];
  });
}

/** Types of the parameters that a call must give, as written; `null` where one has none, or there is no signature. */
function parametersOf(code: string, name: string, language: ProbedLanguage): string[] | null {
  if (language === 'javascript') return null;
  const written = parametersIn(code, name, language === 'python' ? 'python' : 'script');
  if (written === null || written.some((p) => /^\*+\w|^\.\.\./.test(p))) return null;
  const needed = written.filter((p) => !isOptional(p));
  const types = needed.map((p) => /^\w+\s*:\s*([\s\S]+)$/.exec(p)?.[1]?.trim());
  const sound = types.length > 0 && types.length <= MAX_PARAMETERS && types.every((t) => t !== undefined);
  return sound ? types : null;
}

/** Argument lists for parameters of these types; none when a type is not among the simple ones. */
function madeUp(types: readonly string[], language: ProbedLanguage, random: Random): string[] {
  const lists: string[] = [];
  for (let i = 0; i < MAX_PROBES; i++) {
    const values = types.map((type) => valueOf(type, language, i, random, 0));
    if (values.some((v) => v === null)) return [];
    lists.push(values.join(', '));
  }
  return lists;
}

// Small and not negative for the most part: a right answer may well never end for −3 or 10⁹.
const INTEGERS = [0, 1, 2, 3, 5, 4, 10, 7, 12, 6, 9, 8, -1, 11, 20, 15];
const REALS = ['0.0', '1.0', '2.5', '0.5', '3.25', '10.0', '-1.5', '7.75'];
const TEXTS = [
  '',
  'a',
  'abc',
  'hello world',
  'racecar',
  'Zebra',
  '12345',
  'a,b,c',
  'aabbcc',
  'The quick fox',
  '(()())',
];

const pick = <T>(list: readonly T[], i: number, depth: number, random: Random): T =>
  list[(depth === 0 ? i : Math.floor(random() * list.length)) % list.length] as T;

/** Source of a value of a type: the i-th of its kind at the top, any within a list. `null`: not a simple type. */
function valueOf(
  written: string,
  language: ProbedLanguage,
  i: number,
  random: Random,
  depth: number,
): string | null {
  const python = language === 'python';
  const type = written
    .replace(/^typing\./, '')
    .replace(/^readonly\s+/, '')
    .trim();
  const inner = (t: string) => valueOf(t, language, i, random, depth + 1);
  if (depth > 3) return null;
  if (type === 'int') return String(pick(INTEGERS, i, depth, random));
  if (type === 'float') return pick(REALS, i, depth, random);
  if (type === 'number') return String(pick(INTEGERS, i, depth, random));
  if (type === (python ? 'str' : 'string')) return JSON.stringify(pick(TEXTS, i, depth, random));
  if (type === (python ? 'bool' : 'boolean'))
    return pick(python ? ['True', 'False'] : ['true', 'false'], i, depth, random);
  const list =
    /^(?:list|sequence|iterable)\[([\s\S]+)\]$/i.exec(type)?.[1] ??
    (python
      ? undefined
      : (/^([\s\S]+)\[\]$/.exec(type)?.[1] ?? /^(?:Readonly)?Array<([\s\S]+)>$/.exec(type)?.[1]));
  if (list !== undefined) return several(() => inner(list), i, depth, random, '[', ']');
  const optional = /^optional\[([\s\S]+)\]$/i.exec(type)?.[1];
  if (python && optional !== undefined) return inner(optional);
  const [key, value, ...more] = splitAtTop(/^(?:dict|mapping)\[([\s\S]+)\]$/i.exec(type)?.[1] ?? '');
  if (python && key && value && more.length === 0)
    return several(() => pairOf(inner(key), inner(value)), i, depth, random, '{', '}');
  const tuple = /^tuple\[([\s\S]+)\]$/i.exec(type)?.[1];
  if (!python || tuple === undefined || tuple.includes('...')) return null;
  const items = splitAtTop(tuple).map(inner);
  return items.some((x) => x === null) ? null : `(${items.join(', ')},)`;
}

const pairOf = (key: string | null, value: string | null) =>
  key === null || value === null ? null : `${key}: ${value}`;

/** A list of 0 to 5 values, longer with `i` at the top. */
function several(
  item: () => string | null,
  i: number,
  depth: number,
  random: Random,
  open: string,
  close: string,
): string | null {
  const length = depth === 0 ? i % 6 : Math.floor(random() * 4);
  const items = Array.from({ length }, item);
  const probe = length === 0 ? item() : items[0];
  return probe === null || items.includes(null) ? null : `${open}${items.join(', ')}${close}`;
}
