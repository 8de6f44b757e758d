import type { Finding } from './signals';

const REFUSAL =
  /\b(I(?:'m| am) (?:sorry|unable)|I can(?:no|')t (?:help|assist|provide|do that|write)|as an AI(?: language)? model)\b/i;
const PLACEHOLDER =
  /^[ \t]*(?:#|\/\/)\s*(?:your code here|TODO:? implement|implementation goes here|\.\.\. ?(?:rest|existing|remaining))|raise NotImplementedError|throw new Error\(['"`](?:not implemented|todo)/im;

/** Longest answer that is not suspicious by its length alone, in characters. */
const LONGEST = 500_000;

/** Whether `name` occurs as a word. */
const names = (answer: string, name: string) =>
  new RegExp(`(?<![\\w$])${name.replace(/[^\w]/g, '\\$&')}(?![\\w$])`).test(answer);

/**
 * What an answer's text alone tells: empty, refused, left open, absurdly long, another function than asked for.
 * Each finding halves the score; an empty answer or a refusal without code scores 0.
 */
export function ruleFinding(answer: string, entryPoint: string | null): Finding {
  const found: string[] = [];
  const codeless = !/[=(){}]|:\s*$/m.test(answer);
  if (answer.trim() === '') found.push('empty');
  else if (REFUSAL.test(answer.slice(0, 2_000)) && codeless) found.push('refusal');
  if (PLACEHOLDER.test(answer)) found.push('placeholder');
  if (answer.length > LONGEST) found.push('too-long');
  if (entryPoint && !codeless && /\b(def|function)\s+\w/.test(answer) && !names(answer, entryPoint)) {
    found.push('other-function');
  }
  const fatal = found.includes('empty') || found.includes('refusal');
  const score = fatal ? 0 : 0.5 ** found.length;
  return { kind: 'rules', status: fatal ? 'failed' : 'passed', score, evidence: { found } };
}
