/** One line of a hunk, without its mark and its line end. */
export interface HunkLine {
  kind: 'keep' | 'delete' | 'add';
  text: string;
}

/** One hunk. `oldStart` counts lines from 1; the counts of the header are not kept: models get them wrong. */
export interface Hunk {
  oldStart: number;
  lines: HunkLine[];
}

/** The changes of one file. */
export interface FileDiff {
  /** As the header says, `a/` included; `null` without a header. */
  path: string | null;
  /** The file afterwards, `b/` included: of `+++`, else of `rename to` or `diff --git`. */
  target: string | null;
  /** Of `rename from`; else `null`. */
  origin: string | null;
  hunks: Hunk[];
  change: 'edit' | 'create' | 'delete' | 'rename' | 'copy' | 'binary';
  /** Mode that the file gets, e.g. `100755`; `null` where the diff says nothing. */
  mode: string | null;
  /** What it does besides editing text, as the end of a sentence; `null` for plain edits. */
  unsupported: string | null;
}

const MORE: readonly (readonly [RegExp, string, FileDiff['change']?])[] = [
  [/^(rename|copy) (from|to) /, 'renames or copies a file', 'rename'],
  [/^new file mode |^--- \/dev\/null/, 'creates a file', 'create'],
  [/^deleted file mode |^\+\+\+ \/dev\/null/, 'deletes a file', 'delete'],
  [/^(old|new) mode /, 'changes the mode of a file'],
  [/^GIT binary patch|^Binary files /, 'changes a binary file', 'binary'],
];

const pathOf = (header: string): string =>
  header
    .slice(4)
    .replace(/\t.*$/, '')
    .trim()
    .replace(/^"(.*)"$/, '$1');

/**
 * Reads a unified diff of one or more files. Lenient where models are careless and nothing is lost by it: wrong
 * counts, missing headers, an empty line for an empty context line. Never throws.
 */
export function parseDiff(text: string): FileDiff[] {
  const files: FileDiff[] = [];
  let file: FileDiff | null = null;
  let hunk: Hunk | null = null;
  const begin = (path: string | null): FileDiff => {
    hunk = null;
    files.push({
      path,
      target: null,
      origin: null,
      hunks: [],
      change: 'edit',
      mode: null,
      unsupported: null,
    });
    return files.at(-1) as FileDiff;
  };
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const header = /^@@+ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@/.exec(line);
    if (line.startsWith('--- ') && lines[index + 1]?.startsWith('+++ ')) {
      if (!file || file.hunks.length > 0 || file.path !== null) file = begin(null);
      file.path = pathOf(line);
      file.target = pathOf(lines[index + 1] as string);
    } else if (line.startsWith('diff --git ')) {
      file = begin(null);
      file.target = / b\/(.+)$/.exec(line)?.[0].trim() ?? null;
    } else if (header) {
      file ??= begin(null);
      hunk = { oldStart: Number(header[1]), lines: [] };
      file.hunks.push(hunk);
    } else if (hunk) addLine(hunk, line);
    if (file && !hunk) addHeader(file, line);
  }
  for (const each of files) for (const h of each.hunks) dropTrailingBlanks(h);
  return files;
}

/** What the lines between `diff --git` and the first hunk say. */
function addHeader(file: FileDiff, line: string): void {
  for (const [mark, what, change] of MORE) {
    if (!mark.test(line)) continue;
    file.unsupported = what;
    if (change) file.change = change;
  }
  const [, verb, side, path] = /^(rename|copy) (from|to) (.+)$/.exec(line) ?? [];
  if (verb === 'copy') file.change = 'copy';
  if (side === 'from') file.origin = path ?? null;
  if (side === 'to') file.target = path ?? null;
  file.mode = /^(?:new file|new) mode (\d{6})/.exec(line)?.[1] ?? file.mode;
}

function addLine(hunk: Hunk, line: string): void {
  const text = line.slice(1);
  if (line.startsWith('+')) hunk.lines.push({ kind: 'add', text });
  else if (line.startsWith('-')) hunk.lines.push({ kind: 'delete', text });
  else if (line.startsWith(' ')) hunk.lines.push({ kind: 'keep', text });
  else if (line === '') hunk.lines.push({ kind: 'keep', text: '' });
}

/** Empty lines between two hunks are layout, and context that a hunk does not need. */
function dropTrailingBlanks(hunk: Hunk): void {
  while (hunk.lines.at(-1)?.kind === 'keep' && hunk.lines.at(-1)?.text === '') hunk.lines.pop();
}
