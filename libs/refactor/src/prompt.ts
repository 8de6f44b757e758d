import { estimateTokens } from '@acrouter/models/prompt';
import type { ImportGraph } from './imports';

/** What a prompt is built from. */
export interface PromptSource {
  instruction: string;
  /** Files to change. */
  paths: readonly string[];
  /** Texts of the repository's files. */
  texts: ReadonlyMap<string, string>;
  graph: ImportGraph;
  /** The command that must pass, as shown to the model. */
  verify: string;
  /** Why an earlier answer was not merged; its end is shown. */
  failure?: string;
  /** Most tokens the prompt may have, by the upper estimate of libs/models. */
  maxTokens: number;
}

/** Whole files longer than this are asked for as a diff: answers have a token limit too. */
const LONG_FILE_TOKENS = 3_000;

/**
 * The prompt for a group of files, or `null` when the files alone do not fit. Besides them it holds, while there is
 * room, the files they import, then the files that import them, each whole or not at all; none that is further away.
 */
export function buildPrompt(source: PromptSource): string | null {
  const { paths, texts, graph, instruction, maxTokens } = source;
  const files = paths.map((path) => fileBlock(path, texts.get(path) ?? ''));
  const failed = source.failure
    ? `\nAn earlier answer failed; avoid that:\n${source.failure.slice(-1_500)}\n`
    : '';
  const head = `Change ${paths.length === 1 ? 'one file' : `${paths.length} files`} of a repository.\n\nInstruction:\n${instruction}\n${failed}`;
  const rules = rulesFor(source);
  const core = (context: string) => `${head}${context}\nFiles to change:\n\n${files.join('\n')}\n${rules}`;
  let left = maxTokens - estimateTokens(core(''));
  if (left < 0) return null;
  const context: string[] = [];
  for (const path of nearby(paths, graph)) {
    const block = fileBlock(path, texts.get(path) ?? '');
    const tokens = estimateTokens(block);
    if (tokens > left) continue;
    left -= tokens;
    context.push(block);
  }
  if (context.length === 0) return core('');
  return core(
    `\nFor your information, files that belong to it (do not change them):\n\n${context.join('\n')}`,
  );
}

function rulesFor({ paths, texts, verify }: PromptSource): string {
  const long = paths.some((path) => estimateTokens(texts.get(path) ?? '') > LONG_FILE_TOKENS);
  const example = paths[0] ?? '';
  const whole =
    paths.length === 1
      ? `the complete new text of ${example} in one fenced code block`
      : 'the complete new text of each file you change in a fenced code block of its own, with its path on the line above';
  const diff = `a unified diff in a \`\`\`diff block (--- a/${example}, +++ b/${example}, at least three lines of exact context)`;
  const form = long ? `${diff}; the file is too long to be repeated` : `${whole}, or ${diff}`;
  return [
    'Rules:',
    '- Follow the instruction and change nothing else. Other files keep using what is exported here.',
    `- Afterwards this command must pass: ${verify}`,
    `- Answer with ${form}.`,
    '- Create, rename or delete no files.',
  ].join('\n');
}

/**
 * What the files import, then what imports them. Not the neighbours of those: one test that requires everything would
 * make every file belong to every other.
 */
function nearby(paths: readonly string[], { uses, usedBy }: ImportGraph): string[] {
  const direct = [uses, usedBy].flatMap((side) => paths.flatMap((path) => side.get(path) ?? []));
  return [...new Set(direct)].filter((path) => !paths.includes(path));
}

/** A file in a fence that is longer than any fence in it. */
function fileBlock(path: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/^[ \t]*(`{3,})/gm)].map((m) => (m[1] ?? '').length));
  const fence = '`'.repeat(longest + 1);
  return `${path}\n${fence}\n${text}${text.endsWith('\n') || text === '' ? '' : '\n'}${fence}\n`;
}
