import type { FileDiff, Hunk } from './unified-diff';

/** Why an answer cannot be applied; `message` is for the user. */
export class Refused extends Error {}

/**
 * The text with the hunks of a diff applied. Context must match exactly; line numbers may be off when the place is
 * unique. Line ends and the final newline stay as they are.
 * @throws Refused naming the hunk and the file
 */
export function applyDiff(path: string, text: string, diff: FileDiff): string {
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
export function likeOriginal(text: string, original: string): string {
  const { finalNewline, eol } = linesOf(original);
  const lines = text.replace(/\n+$/, '').split('\n');
  if (text.trim() === '') return '';
  return joined(
    lines.map((line) => line + eol),
    finalNewline,
  );
}
