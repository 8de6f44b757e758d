import { bareDiff, isDiff, namingWords, readBlocks, type Block } from './edit-blocks';
import { MAX_ANSWER_CHARS } from './edits';
import { applyDiff, likeOriginal, Refused } from './hunks';
import { parseDiff, type FileDiff } from './unified-diff';

/** Files of a commit by path, with their git modes. */
export type RepositoryTree = ReadonlyMap<string, string>;

/** What an answer makes of one file; `text` is `null` for a deleted one. */
export interface FileChange {
  text: string | null;
  mode: '100644' | '100755';
}

/** One change as the answer says it, its paths checked. */
type Part =
  | { kind: 'diff'; diff: FileDiff; from: string | null; to: string | null }
  | { kind: 'whole'; path: string; text: string };

/** An answer that was read; `paths` are the files whose texts are needed to apply it. */
export interface RepositoryAnswer {
  kind: 'read';
  parts: Part[];
  paths: string[];
}

export interface Rejected {
  kind: 'rejected';
  reason: string;
}

function orRejected<T>(work: () => T): T | Rejected {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refused) return { kind: 'rejected', reason: error.message };
    throw error;
  }
}

/**
 * Reads an answer as changes of a repository: unified diffs, which may create, delete and rename files, and whole
 * files in fenced blocks that say their path. Refuses what leaves the tree, goes through links or submodules, or
 * touches `.git`. Never throws, whatever the answer.
 */
export function readRepositoryAnswer(answer: string, tree: RepositoryTree): RepositoryAnswer | Rejected {
  return orRejected(() => {
    if (answer.length > MAX_ANSWER_CHARS) throw new Refused('the answer is too long');
    const blocks = readBlocks(answer);
    const diffs = blocks.length > 0 ? blocks.filter(isDiff).map((b) => b.text) : bareDiff(answer);
    const parts = diffs.flatMap((text) => parseDiff(text)).map((diff) => diffPart(diff, tree));
    for (const block of blocks.filter((b) => !isDiff(b))) {
      const path = pathOf(block, tree);
      if (path !== null) parts.push({ kind: 'whole', path: checked(path, tree), text: block.text });
    }
    if (parts.length === 0)
      throw new Refused(
        blocks.length > 0
          ? 'no code block is a diff or says which file it is'
          : 'the answer holds neither a diff nor a code block',
      );
    const touched = parts.flatMap((p) => (p.kind === 'diff' ? [p.from, p.to] : [p.path]));
    const paths = [...new Set(touched)].filter((p): p is string => p !== null && tree.has(p));
    return { kind: 'read', parts, paths };
  });
}

/** The path that a block names: a file of the tree, or something that can only be a path. */
function pathOf(block: Block, tree: RepositoryTree): string | null {
  const words = namingWords(block);
  const known = words.find((word) => tree.has(word));
  if (known !== undefined) return known;
  const path = words.find((word) => /^[\w@.-]+(\/[\w@.-]+)+\.\w+$/.test(word) || /(^|\/)\.\.?\//.test(word));
  return path ?? words.slice(0, 1).find((word) => /^[\w@-][\w@.-]*\.\w{1,8}$/.test(word)) ?? null;
}

function diffPart(diff: FileDiff, tree: RepositoryTree): Part {
  if (diff.change === 'copy' || diff.change === 'binary')
    throw new Refused(`the diff ${diff.unsupported ?? ''} (${diff.target ?? diff.path ?? 'without a name'})`);
  const named = (path: string | null) =>
    path === null || path === '/dev/null' ? null : resolved(path, tree);
  const from = diff.change === 'create' ? null : named(diff.origin ?? diff.path ?? diff.target);
  const to = diff.change === 'delete' ? null : named(diff.target ?? diff.path);
  if (from === null && to === null) throw new Refused('the diff does not say which file it changes');
  return { kind: 'diff', diff, from, to: diff.change === 'edit' ? (from ?? to) : to };
}

const resolved = (path: string, tree: RepositoryTree): string =>
  checked(tree.has(path) ? path : path.replace(/^(?:[abiw]|\.)\//, ''), tree);

/** @throws Refused for a path that is not one of a plain file inside the tree */
function checked(path: string, tree: RepositoryTree): string {
  const shown = JSON.stringify(path.slice(0, 100));
  const parts = path.split('/');
  if (path.length > 512 || /[\0-\x1f\\]/.test(path) || parts.some((p) => p === '' || p === '.' || p === '..'))
    throw new Refused(`the answer changes ${shown}, which is no path inside the repository`);
  if (parts.some((p) => /^\.git$|^git~\d+$/i.test(p)))
    throw new Refused(`the answer changes ${shown}, which belongs to git`);
  for (let depth = 1; depth <= parts.length; depth++) {
    const above = parts.slice(0, depth).join('/');
    const mode = tree.get(above);
    if (mode === '120000') throw new Refused(`the answer changes ${shown}, but ${above} is a link`);
    if (mode === '160000') throw new Refused(`the answer changes ${shown}, but ${above} is a submodule`);
    if (mode !== undefined && depth < parts.length)
      throw new Refused(`the answer changes ${shown}, but ${above} is a file`);
  }
  return path;
}

/**
 * Applies what was read. Hunks apply with fuzz 0: their context must match exactly.
 * @param originals texts of `answer.paths`; `null` for a file that is not text
 * @returns the changed files, or which hunk of which file does not apply and why
 */
export function applyRepositoryAnswer(
  answer: RepositoryAnswer,
  tree: RepositoryTree,
  originals: ReadonlyMap<string, string | null>,
): { kind: 'edited'; files: Map<string, FileChange> } | Rejected {
  return orRejected(() => {
    const draft = new Draft(tree, originals);
    for (const part of answer.parts) {
      if (part.kind === 'whole') draft.replace(part.path, part.text);
      else draft.apply(part);
    }
    return { kind: 'edited' as const, files: draft.changes() };
  });
}

const plainMode = (mode: string | null | undefined): FileChange['mode'] =>
  mode === '100755' ? '100755' : '100644';

/** The tree with the changes made so far. */
class Draft {
  private readonly files = new Map<string, FileChange>();
  private readonly whole = new Set<string>();

  constructor(
    private readonly tree: RepositoryTree,
    private readonly originals: ReadonlyMap<string, string | null>,
  ) {}

  private exists(path: string): boolean {
    const change = this.files.get(path);
    return change ? change.text !== null : this.tree.has(path);
  }

  private textOf(path: string): string {
    const text = this.files.has(path) ? this.files.get(path)?.text : this.originals.get(path);
    if (text === null) throw new Refused(`${path} is not text`);
    return text ?? '';
  }

  replace(path: string, text: string): void {
    if (this.whole.has(path) || this.files.has(path)) throw new Refused(`the answer gives ${path} twice`);
    this.whole.add(path);
    const original = this.tree.has(path) ? this.textOf(path) : '';
    this.files.set(path, { text: likeOriginal(text, original), mode: plainMode(this.tree.get(path)) });
  }

  apply({ diff, from, to }: Extract<Part, { kind: 'diff' }>): void {
    const path = (to ?? from) as string;
    if (diff.mode !== null && diff.mode !== '100644' && diff.mode !== '100755')
      throw new Refused(`the diff makes ${path} a link or a submodule`);
    if (from !== null && !this.exists(from))
      throw new Refused(`the diff changes ${from}, which the repository does not have`);
    if (to !== null && to !== from && this.exists(to))
      throw new Refused(`the diff creates ${to}, which the repository has already`);
    const before = from === null ? '' : this.textOf(from);
    const text = diff.hunks.length === 0 ? before : applyDiff(path, before, diff);
    if (diff.change === 'edit' && diff.hunks.length === 0 && diff.mode === null)
      throw new Refused(`the diff of ${path} holds no hunk`);
    if (to === null && diff.hunks.length > 0 && text !== '')
      throw new Refused(`the diff deletes ${path}, but not all of its lines`);
    const mode = plainMode(
      diff.mode ?? (from === null ? null : (this.files.get(from)?.mode ?? this.tree.get(from))),
    );
    if (from !== null && from !== to) this.files.set(from, { text: null, mode: '100644' });
    if (to !== null) this.files.set(to, { text, mode });
  }

  /** @throws Refused when nothing differs from the tree, or a file and a folder want the same place */
  changes(): Map<string, FileChange> {
    const changed = [...this.files].filter(
      ([path, { text, mode }]) =>
        (text === null ? this.tree.has(path) : text !== this.originals.get(path)) ||
        (text !== null && this.tree.has(path) && mode !== this.tree.get(path)),
    );
    if (changed.length === 0) throw new Refused('the answer changes nothing');
    for (const [path, { text }] of changed) {
      if (text?.includes('\0')) throw new Refused(`the new text of ${path} holds NUL characters`);
      const inside = [...this.tree.keys(), ...this.files.keys()].find((p) => p.startsWith(`${path}/`));
      if (text !== null && inside) throw new Refused(`${path} would be a file, but ${inside} lies below it`);
    }
    return new Map(changed);
  }
}
