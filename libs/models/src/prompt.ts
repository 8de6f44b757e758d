import type { VerificationSpec } from '@acrouter/domain/task';
import { ANSWER_FILES, languageNamed } from '@acrouter/domain/verification/languages';
import type { CompletionRequest, Workspace } from './model-client';

const SYSTEM_PROMPT = `You are an expert programmer. Answer with exactly one fenced code block that holds the complete, final code and nothing else: every import it needs, whole functions rather than fragments, the names and signatures the task gives. No example calls, no tests unless tests are what is asked for, no text outside the block.`;

/**
 * The request for a task. The prompt is passed on unchanged: prompts may be signed, cached or matched.
 * @param language named in the system prompt when known.
 */
export function requestFor(task: AskedTask, maxOutputTokens: number): CompletionRequest {
  const language = task.language ? ` The language is ${task.language}.` : '';
  return {
    system: SYSTEM_PROMPT + language,
    prompt: task.prompt,
    maxOutputTokens,
    workspace: workspaceOf(task),
  };
}

/** What a request is made from. */
export interface AskedTask {
  prompt: string;
  language: string | null;
  verification?: VerificationSpec | null;
}

/** The files of a task that are there to be changed. Those that only check the answer are not shown. */
function workspaceOf({ language, verification }: AskedTask): Workspace {
  const known = language === null ? null : languageNamed(language);
  const answerFile = verification?.answerFile ?? (known ? ANSWER_FILES[known] : 'answer.txt');
  const edits = verification?.edits ?? [];
  return { files: edits.length > 0 ? (verification?.files ?? {}) : {}, edits, answerFile, language: known };
}

/**
 * Upper bound of a text's tokens, for reservations: ⌈UTF-8 bytes / 2.5⌉ + 64.
 * Code and prose take 3 to 4 bytes per token with today's tokenizers, CJK about 3, and only strings of digits
 * or noise go below 2.5; the 64 cover chat framing. What it overshoots is given back when the call is settled.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 2.5) + 64;
}

/** {@link estimateTokens} of everything the request sends. */
export function estimateInputTokens(request: CompletionRequest): number {
  return estimateTokens((request.system ?? '') + request.prompt);
}
