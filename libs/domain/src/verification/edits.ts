import { parseDiff, type FileDiff, type Hunk } from './unified-diff';

/** What an answer makes of the files it may change: their new texts, or why it was refused. */
export type EditResult =
  { kind: 'edited'; files: Record<string, string> } | { kind: 'rejected'; reason: string };

/** Longest answer that is looked at, characters. */
const MAX_ANSWER_CHARS = 2_000_000;

class Refused extends Error {}

interface Block {
  /** Text after the opening fence, e.g. `ts src/a.ts`. */
  info: string;
  /** Nearest line above that is not empty, where models write the file's name. */
  above: string;
  text: string;
}

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

const isDiff = (block: Block): boolean =>
  /^(diff|patch|udiff)\b/i.test(block.info) ||
  (/^@@ .*@@/m.test(block.text) && /^--- .*\n\+\+\+ /m.test(block.text));

function bareDiff(answer: string): string[] {
  const start = answer.search(/^(diff --git |--- .*\r?\n\+\+\+ )/m);
  return start < 0 ? [] : [answer.slice(start)];
}

/** Fenced blocks, with what stands around the opening fence. @throws Refused when the last one never ends */
function readBlocks(answer: string): Block[] {
  const blocks: Block[] = [];
  let above = '';
  let open: { marker: string; info: string; above: string; lines: string[] } | null = null;
  for (const raw of answer.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (open === null) {
      const [, marker, info = ''] = /^(`{3,}|~{3,})([^`]*)$/.exec(line) ?? [];
      if (marker) open = { marker, info: info.trim(), above, lines: [] };
      else if (line.trim()) above = line.trim();
    } else if (line.trim().startsWith(open.marker) && !/[^`~]/.test(line.trim())) {
      blocks.push({ info: open.info, above: open.above, text: open.lines.join('\n') });
      open = null;
      above = '';
    } else open.lines.push(line);
  }
  if (open) throw new Refused('the answer is cut off inside a code block');
  return blocks;
}

/** The file that a block says it is; `undefined` where it says nothing. @throws Refused for another file */
function namedPath(block: Block, originals: Readonly<Record<string, string>>): string | undefined {
  const words = [block.above, ...block.info.split(/\s+/)].map((word) =>
    word
      .replace(/^(path|file|filename|title)\s*[:=]\s*/i, '')
      .replace(/^[#*\s`"'([{]+|[*\s`"':)\]}]+$/g, '')
      .replace(/^\.\//, ''),
  );
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

function applyDiff(path: string, text: string, diff: FileDiff): string {
  if (diff.hunks.length === 0) throw new Refused(`the diff of ${path} holds no hunk`);
  const { lines, finalNewline, eol } = linesOf(text);
  const result: string[] = [];
  let cursor = 0;
  diff.hunks.forEach((hunk, index) => {
    const at = placeOf(lines, hunk, cursor, `hunk ${index + 1} of the diff of ${path}`);
    result.push(...lines.slice(cursor, at));
    cursor = at;
    for (const { kind, text: line } of hunk.lines) {
      if (kind === 'add') result.push(line + eol);
      else if (kind === 'delete') cursor++;
      else result.push(lines[cursor++] as string);
    }
  });
  return joined([...result, ...lines.slice(cursor)], finalNewline);
}

/** Where a hunk's old lines stand: at its line number, else at the one place where they are. */
function placeOf(lines: readonly string[], hunk: Hunk, from: number, name: string): number {
  const old = hunk.lines.filter((l) => l.kind !== 'add').map((l) => l.text);
  if (old.length === 0) {
    if (lines.length === 0) return 0;
    throw new Refused(`${name} has no context, so its place cannot be checked`);
  }
  const fits = (at: number) => at >= from && old.every((line, i) => bare(lines[at + i]) === line);
  const hint = hunk.oldStart - 1;
  if (fits(hint)) return hint;
  const places: number[] = [];
  for (let at = from; at + old.length <= lines.length && places.length < 2; at++)
    if (fits(at)) places.push(at);
  if (places.length === 1) return places[0] as number;
  const near = `line ${hunk.oldStart}: ${JSON.stringify((old[0] ?? '').slice(0, 60))}`;
  throw new Refused(
    places.length === 0
      ? `${name} does not apply: its context is not in the file (${near})`
      : `${name} does not apply: its context is in several places and not at ${near}`,
  );
}

const bare = (line: string | undefined): string | undefined => line?.replace(/\r?\n$/, '');

/** Lines with their line ends, each complete; `eol` is the commonest. */
function linesOf(text: string): { lines: string[]; finalNewline: boolean; eol: string } {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const crlf = lines.filter((l) => l.endsWith('\r\n')).length;
  const eol = crlf * 2 > lines.length ? '\r\n' : '\n';
  const finalNewline = text === '' || text.endsWith('\n');
  return { lines: lines.map((l) => (l.endsWith('\n') ? l : l + eol)), finalNewline, eol };
}

const joined = (lines: readonly string[], finalNewline: boolean): string =>
  finalNewline ? lines.join('') : lines.join('').replace(/\r?\n$/, '');

/** A whole new file, with the line ends and the final newline of the old one. */
function likeOriginal(text: string, original: string): string {
  const { finalNewline, eol } = linesOf(original);
  const lines = text.replace(/\n+$/, '').split('\n');
  if (text.trim() === '') return '';
  return joined(
    lines.map((line) => line + eol),
    finalNewline,
  );
}
