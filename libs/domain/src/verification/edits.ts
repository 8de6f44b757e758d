import { bareDiff, isDiff, namingWords, readBlocks, type Block } from './edit-blocks';
import { applyDiff, likeOriginal, Refused } from './hunks';
import { parseDiff, type FileDiff } from './unified-diff';

/** What an answer makes of the files it may change: their new texts, or why it was refused. */
export type EditResult =
  { kind: 'edited'; files: Record<string, string> } | { kind: 'rejected'; reason: string };

/** Longest answer that is looked at, characters. */
export const MAX_ANSWER_CHARS = 2_000_000;

/**
 * Reads an answer as changes of files and applies them: unified diffs (fuzz 0: context must match exactly, line
 * numbers may be off when the place is unique), or whole files in fenced blocks. Only the paths of `originals`
 * may change; creating, deleting and renaming is refused, and so is an answer that changes nothing. Line ends and
 * the final newline stay as they are. Never throws, whatever the answer.
 */
export function applyEdits(answer: string, originals: Readonly<Record<string, string>>): EditResult {
  try {
    if (answer.length > MAX_ANSWER_CHARS) throw new Refused('the answer is too long');
    const files = editedFiles(answer, originals);
    const changed = Object.entries(files).filter(([path, text]) => originals[path] !== text);
    if (changed.length === 0) throw new Refused('the answer changes nothing');
    const binary = changed.find(([, text]) => text.includes('\0'));
    if (binary) throw new Refused(`the new text of ${binary[0]} holds NUL characters`);
    return { kind: 'edited', files: Object.fromEntries(changed) };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'rejected', reason: error.message };
    throw error;
  }
}

function editedFiles(answer: string, originals: Readonly<Record<string, string>>): Record<string, string> {
  const blocks = readBlocks(answer);
  const diffs = blocks.length > 0 ? blocks.filter(isDiff).map((b) => b.text) : bareDiff(answer);
  const files: Record<string, string> = {};
  for (const diff of diffs.flatMap((text) => parseDiff(text))) {
    const path = diffPath(diff, originals);
    files[path] = applyDiff(path, files[path] ?? originals[path] ?? '', diff);
  }
  const plain = blocks.filter((b) => !isDiff(b));
  const paths = Object.keys(originals);
  for (const block of plain) {
    const only = plain.length === 1 && diffs.length === 0 && paths.length === 1 ? paths[0] : undefined;
    const path = namedPath(block, originals) ?? only;
    if (path === undefined && diffs.length > 0) continue;
    if (path === undefined) throw new Refused('a code block does not say which file it is');
    if (Object.hasOwn(files, path)) throw new Refused(`the answer gives ${path} twice`);
    files[path] = likeOriginal(block.text, originals[path] ?? '');
  }
  if (Object.keys(files).length === 0) throw new Refused('the answer holds neither a diff nor a code block');
  return files;
}

/** The file that a block says it is; `undefined` where it says nothing. @throws Refused for another file */
function namedPath(block: Block, originals: Readonly<Record<string, string>>): string | undefined {
  const words = namingWords(block);
  const known = words.find((word) => Object.hasOwn(originals, word));
  if (known !== undefined) return known;
  const foreign = words.find((word) => /^[\w@.-]+(\/[\w@.-]+)+\.\w+$/.test(word));
  if (foreign !== undefined)
    throw new Refused(`the answer changes ${foreign}, which is not part of the task`);
  return undefined;
}

function diffPath(diff: FileDiff, originals: Readonly<Record<string, string>>): string {
  if (diff.unsupported !== null) throw new Refused(`the diff ${diff.unsupported}`);
  const paths = Object.keys(originals);
  if (diff.path === null) {
    if (paths.length === 1) return paths[0] as string;
    throw new Refused('the diff does not say which file it changes');
  }
  const short = diff.path.replace(/^(?:[abiw]|\.)\//, '');
  const path = [diff.path, short].find((p) => Object.hasOwn(originals, p));
  if (path === undefined) throw new Refused(`the diff changes ${short}, which is not part of the task`);
  return path;
}
