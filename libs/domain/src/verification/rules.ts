import { endOfBrackets } from './prompt-tests';
import type { Finding } from './signals';
import { isOptional, parametersIn } from './signatures';

const REFUSAL =
  /\b(I(?:'m| am) (?:sorry|unable)|I can(?:no|')t (?:help|assist|provide|do that|write)|as an AI(?: language)? model)\b/i;
const PLACEHOLDER =
  /^[ \t]*(?:#|\/\/)\s*(?:your code here|TODO:? implement|implementation goes here|\.\.\. ?(?:rest|existing|remaining))|raise NotImplementedError|throw new Error\(['"`](?:not implemented|todo)/im;

/** Longest answer that is not suspicious by its length alone, in characters. */
const LONGEST = 500_000;

/** Whether `name` occurs as a word. */
const names = (answer: string, name: string) =>
  new RegExp(`(?<![\\w$])${name.replace(/[^\w]/g, '\\$&')}(?![\\w$])`).test(answer);

/** Text that is searched for what an answer says in its own words; such marks stand near the beginning. */
const SEARCHED = 20_000;
/** Times that one line may occur in an answer before it looks like a model that cannot stop. */
const MOST_REPEATS = 100;

function repeats(answer: string): boolean {
  const seen = new Map<string, number>();
  for (const line of answer.slice(0, LONGEST).split('\n')) {
    const text = line.trim();
    if (text.length < 10) continue;
    const times = (seen.get(text) ?? 0) + 1;
    if (times > MOST_REPEATS) return true;
    seen.set(text, times);
  }
  return false;
}

/** Definitions that are looked into. */
const MOST_DEFINITIONS = 50;

/**
 * Whether the whole body of the Python function asked for is `pass` or `...`, perhaps below a docstring; without its
 * name, of any at the left margin. Methods may well be empty.
 */
function isHollow(answer: string, name: string | null): boolean {
  const head =
    name === null ? '(?:async )?def \\w+' : `[ \\t]*(?:async )?def ${name.replace(/[^\w]/g, '\\$&')}`;
  return [...answer.matchAll(new RegExp(`^${head}\\(`, 'gm'))].slice(0, MOST_DEFINITIONS).some((found) => {
    const end = endOfBrackets(answer, found.index + found[0].length - 1, 2_000);
    const opened = end < 0 ? null : /^[^:\n]*:[ \t]*\n\s*/.exec(answer.slice(end));
    if (!opened) return false;
    let body = answer.slice(end + opened[0].length);
    const quotes = /^(?:"""|''')/.exec(body)?.[0];
    if (quotes) body = body.slice(Math.max(3, body.indexOf(quotes, 3) + 3)).trimStart();
    const rest = /^(?:pass|\.\.\.)[ \t]*(?:\n+|$)([ \t]*)(\S?)/.exec(body);
    return rest !== null && (rest[2] === '' || (rest[1] ?? '').length <= found[0].search(/\S/));
  });
}

/** Whether calls by the prompt's signature cannot be calls of the answer's: too many parameters needed, or too few taken. */
function hasOtherSignature(prompt: string, answer: string, name: string): boolean {
  return (['python', 'script'] as const).some((family) => {
    const asked = parametersIn(prompt, name, family);
    const given = asked && parametersIn(answer, name, family);
    if (!asked || !given) return false;
    const takesAny = given.some((p) => /^(?:\*\w|\*\*|\.\.\.)/.test(p));
    const count = (list: readonly string[]) => list.filter((p) => !/^[*/]$/.test(p)).length;
    const needed = (list: readonly string[]) => list.filter((p) => !isOptional(p)).length;
    return needed(given) > count(asked) || (!takesAny && count(given) < needed(asked));
  });
}

/**
 * What an answer's text alone tells: empty, refused, left open, absurdly long, one line over and over, another
 * function than asked for, or one that cannot be called as asked. Each finding halves the score; an empty answer or
 * a refusal without code scores 0.
 * @param prompt where the function's signature may stand.
 */
export function ruleFinding(answer: string, entryPoint: string | null, prompt = ''): Finding {
  const found: string[] = [];
  const codeless = !/[=(){}]|:\s*$/m.test(answer);
  const beginning = answer.slice(0, SEARCHED);
  if (answer.trim() === '') found.push('empty');
  else if (REFUSAL.test(answer.slice(0, 2_000)) && codeless) found.push('refusal');
  if (PLACEHOLDER.test(answer) || isHollow(beginning, entryPoint)) found.push('placeholder');
  if (answer.length > LONGEST) found.push('too-long');
  if (repeats(answer)) found.push('repeated');
  if (entryPoint && !codeless && /\b(def|function)\s+\w/.test(answer) && !names(answer, entryPoint)) {
    found.push('other-function');
  }
  if (entryPoint && hasOtherSignature(prompt.slice(0, SEARCHED), beginning, entryPoint))
    found.push('changed-signature');
  const fatal = found.includes('empty') || found.includes('refusal');
  const score = fatal ? 0 : 0.5 ** found.length;
  return { kind: 'rules', status: fatal ? 'failed' : 'passed', score, evidence: { found } };
}
