import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { branchTaken, branchTip } from './branch';
import { git, gitText } from './git';
import type { Repository } from './repository';

/** Files to change in a commit: path → mode and new text. */
export type Changes = Readonly<Record<string, { mode: string; text: string }>>;

/** Branch of our own repository that holds what was published. */
const RESULT = 'result';

/**
 * A bare repository of our own that borrows the user's objects. Commits are made here without index and without
 * working tree; the user's repository gets one new branch at the very end and nothing else.
 */
export class Scratch {
  private readonly made = new Map<string, Promise<string>>();

  private constructor(
    readonly folder: string,
    private readonly repository: Repository,
    /** Time of every commit: a run that is resumed makes the same commits, with the same ids. */
    private readonly createdAt: Date,
  ) {}

  static async open(folder: string, repository: Repository, createdAt: Date): Promise<Scratch> {
    await mkdir(folder, { recursive: true });
    const objects = await gitText(
      repository.root,
      'rev-parse',
      '--path-format=absolute',
      '--git-path',
      'objects',
    );
    const format = await gitText(repository.root, 'rev-parse', '--show-object-format').catch(() => 'sha1');
    await git(folder, ['init', '--bare', '--quiet', '--template=', `--object-format=${format}`, '.']);
    await mkdir(join(folder, 'info'), { recursive: true });
    await mkdir(join(folder, 'objects/info'), { recursive: true });
    await writeFile(join(folder, 'objects/info/alternates'), `${objects}\n`);
    // Archives leave out tests in many projects; ours must hold every file as it is.
    await writeFile(join(folder, 'info/attributes'), '* -export-ignore -export-subst\n');
    return new Scratch(folder, repository, createdAt);
  }

  /** One commit on top of `parent`; its id. The same arguments give the same id. */
  commit(parent: string, changes: Changes, message: string): Promise<string> {
    const who = `${this.repository.identity} ${Math.floor(this.createdAt.getTime() / 1_000)} +0000`;
    const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
    const files = Object.entries(changes).map(
      ([path, { mode, text }]) => `M ${mode} inline ${path}\n${data(text)}`,
    );
    const stream = [
      `commit refs/acr/last\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
      `${data(message)}from ${parent}\n`,
      ...files,
      '\nget-mark :1\ndone\n',
    ].join('');
    let id = this.made.get(stream);
    if (!id) {
      // One at a time: they all move the same ref.
      id = this.last = this.last.then(() => this.import(stream));
      this.made.set(stream, id);
    }
    return id;
  }
  private last: Promise<string> = Promise.resolve('');

  private async import(stream: string): Promise<string> {
    const out = await git(this.folder, ['fast-import', '--quiet', '--force', '--done'], stream);
    return out.toString().trim();
  }

  /** The commit's files as a gzipped tar; the same bytes for the same commit. */
  archive(commit: string): Promise<Buffer> {
    return git(this.folder, ['archive', '--format=tar.gz', commit]);
  }

  /** What `commit` changes against `base`, as a patch for `git apply`. */
  async patch(base: string, commit: string): Promise<string> {
    return (await git(this.folder, ['diff-tree', '-p', '--binary', '--full-index', base, commit])).toString();
  }

  /** The commit that was put into the user's repository, or was about to be; `null` before that. */
  published(): Promise<string | null> {
    return branchTip(this.folder, RESULT);
  }

  /**
   * Puts `commit` into the user's repository as a new branch.
   * @throws AcrError ACR_INVALID_REQUEST when another commit has that name by now
   */
  async publish(branch: string, commit: string): Promise<void> {
    const { root } = this.repository;
    const there = await branchTip(root, branch);
    if (there === commit) return;
    if (there) throw branchTaken(branch);
    await git(this.folder, ['update-ref', `refs/heads/${RESULT}`, commit]);
    await git(root, [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      this.folder,
      `refs/heads/${RESULT}:refs/heads/${branch}`,
    ]);
  }
}
