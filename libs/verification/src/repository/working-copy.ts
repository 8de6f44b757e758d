import { rm } from 'node:fs/promises';
import { AcrError } from '@acrouter/domain/errors';
import type { FileChange, RepositoryTree } from '@acrouter/domain/verification/repository-edits';
import { git } from './git';

/** Files of a commit together, bytes; a copy lies in memory and in the sandbox's own file system. */
const MAX_TREE_BYTES = 256 * 1024 ** 2;

/**
 * A commit in a bare repository of its own, and commits made on top of it. There is no working tree on this machine:
 * files go from git into the sandbox as an archive, so no hook, filter, link or odd file name ever acts here.
 */
export class WorkingCopy {
  private constructor(
    private readonly folder: string,
    /** Full id of the commit. */
    readonly base: string,
    /** Its files with their modes, links and submodules too. */
    readonly tree: RepositoryTree,
    private readonly blobs: ReadonlyMap<string, { id: string; bytes: number }>,
  ) {}

  /** @throws AcrError ACR_INVALID_REQUEST without such a commit, ACR_TOO_LARGE for more than 256 MB of files */
  static async open(folder: string, base: string): Promise<WorkingCopy> {
    const id = (await git(folder, ['rev-parse', '--verify', '--quiet', `${base}^{commit}`]))
      .toString()
      .trim();
    const out = (await git(folder, ['ls-tree', '-r', '-z', '-l', '--full-tree', id])).toString();
    const tree = new Map<string, string>();
    const blobs = new Map<string, { id: string; bytes: number }>();
    let total = 0;
    for (const line of out.split('\0')) {
      const [, mode, blob, size, path] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t([^]+)$/.exec(line) ?? [];
      if (!mode || !blob || !path) continue;
      tree.set(path, mode);
      const bytes = size === '-' ? 0 : Number(size);
      total += bytes;
      if (mode !== '160000') blobs.set(path, { id: blob, bytes });
    }
    if (total > MAX_TREE_BYTES)
      throw new AcrError(
        'ACR_TOO_LARGE',
        `The commit ${base} holds ${Math.round(total / 1024 ** 2)} MB of files.`,
      );
    return new WorkingCopy(folder, id, tree, blobs);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Texts of files of the commit; `null` for one that is not UTF-8 text. Paths that are none are left out. */
  async texts(paths: readonly string[]): Promise<Map<string, string | null>> {
    const wanted = paths.flatMap((path) => {
      const blob = this.blobs.get(path);
      return blob ? [{ path, ...blob }] : [];
    });
    const out = await git(
      this.folder,
      ['cat-file', '--batch'],
      wanted.map(({ id }) => `${id}\n`).join(''),
      MAX_TREE_BYTES * 2,
    );
    const texts = new Map<string, string | null>();
    let at = 0;
    for (const { path, bytes } of wanted) {
      const start = out.indexOf(10, at) + 1;
      texts.set(path, decoded(out.subarray(start, start + bytes)));
      at = start + bytes + 1;
    }
    return texts;
  }

  /** The files of the commit with changes on top, as a tar archive. */
  async archive(changes: ReadonlyMap<string, FileChange>): Promise<Buffer> {
    const commit = changes.size === 0 ? this.base : await this.commit(changes);
    return git(this.folder, ['archive', '--format=tar', commit], '', MAX_TREE_BYTES * 2);
  }

  private async commit(changes: ReadonlyMap<string, FileChange>): Promise<string> {
    const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
    const lines = [...changes].map(([path, { text, mode }]) =>
      text === null ? `D ${quoted(path)}\n` : `M ${mode} inline ${quoted(path)}\n${data(text)}`,
    );
    const stream = [
      'commit refs/acr/answer\nmark :1\ncommitter acr <acr@localhost> 0 +0000\n',
      `${data('answer')}from ${this.base}\n`,
      ...lines,
      '\nget-mark :1\ndone\n',
    ];
    const out = await git(this.folder, ['fast-import', '--quiet', '--force', '--done'], stream.join(''));
    return out.toString().trim();
  }
}

/** A path as fast-import takes any. */
const quoted = (path: string) => `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;

function decoded(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
