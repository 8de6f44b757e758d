import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import { BeforeRuns } from './before-runs';
import { git } from './git';
import { WorkingCopy } from './working-copy';

const PREFIX = 'acr-repository-';

/** A repository that a task names, as far as it is safe to look at. */
interface Source {
  /** Its folder with links resolved; `null` for a bundle. */
  folder: string | null;
  /** Folder with the objects of all commits. */
  objects: string;
  format: string;
}

/** Removes what processes left behind that were killed before they could. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

const invalid = (detail: string, cause?: unknown) => new AcrError('ACR_INVALID_REQUEST', detail, { cause });

/**
 * The repositories below one folder, which tasks may name: working trees, bare repositories and bundles. They are
 * only read. Everything made from them lies in one temporary folder of this process, which `close` removes; what a
 * killed process left is removed when the next one opens.
 */
export class Repositories {
  private readonly sources = new Map<string, Promise<Source>>();
  readonly beforeRuns = new BeforeRuns();
  private copies = 0;

  private constructor(
    private readonly root: string,
    private readonly scratch: string,
  ) {}

  /** @throws AcrError ACR_CONFIG_INVALID when there is no such folder */
  static async open(root: string): Promise<Repositories> {
    const real = await realpath(root).catch((cause: unknown) => {
      throw new AcrError('ACR_CONFIG_INVALID', `ACR_REPOSITORIES: there is no folder ${root}`, { cause });
    });
    await sweep();
    return new Repositories(real, await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  }

  async close(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }

  /**
   * A copy of a commit to make changes in. Close it after use.
   * @throws AcrError ACR_INVALID_REQUEST when there is no such repository or commit
   */
  async copy(name: string, base: string): Promise<WorkingCopy> {
    const source = await this.source(name);
    const folder = join(this.scratch, `copy-${++this.copies}`);
    await initBare(folder, source.format, source.objects);
    try {
      return await WorkingCopy.open(folder, base);
    } catch (cause) {
      await rm(folder, { recursive: true, force: true });
      throw invalid(`The repository "${name}" has no commit ${base}.`, cause);
    }
  }

  /**
   * Folder of a repository that holds what its commits do not (`node_modules`), by name.
   * @throws AcrError ACR_INVALID_REQUEST when it is not there or lies elsewhere
   */
  async beside(name: string, path: string): Promise<string> {
    const { folder } = await this.source(name);
    if (folder === null) throw invalid(`"include" needs a folder; "${name}" is a bundle.`);
    const real = await realpath(join(folder, path)).catch((cause: unknown) => {
      throw invalid(`The repository "${name}" has no ${path} to include.`, cause);
    });
    if (!inside(real, folder)) throw invalid(`${path} lies outside of the repository "${name}".`);
    if (process.getuid?.() === 0 && !(await openToAll(real)))
      throw invalid(
        `${path} of "${name}" is closed to other users, as whom checks run: chmod o+rx it and its folders.`,
      );
    return real;
  }

  private source(name: string): Promise<Source> {
    let source = this.sources.get(name);
    if (!source) {
      source = this.find(name);
      this.sources.set(name, source);
      // A repository that is put there later is found then.
      source.catch(() => this.sources.delete(name));
    }
    return source;
  }

  private async find(name: string): Promise<Source> {
    const path = await realpath(join(this.root, name)).catch((cause: unknown) => {
      throw invalid(`There is no repository "${name}" below ACR_REPOSITORIES.`, cause);
    });
    if (!inside(path, this.root)) throw invalid(`The repository "${name}" lies outside of ACR_REPOSITORIES.`);
    if ((await stat(path)).isFile()) return this.unbundle(name, path);
    const objects = [join(path, '.git/objects'), join(path, 'objects')].find((p) => existsSync(p));
    if (!objects)
      throw invalid(
        `"${name}" is neither a working tree with a .git folder nor a bare repository nor a bundle.`,
      );
    return { folder: path, objects, format: await objectFormat(join(objects, '..')) };
  }

  private async unbundle(name: string, path: string): Promise<Source> {
    const folder = join(this.scratch, `bundle-${++this.copies}`);
    const format = (await git(this.scratch, ['bundle', 'list-heads', path]))
      .toString()
      .search(/^[0-9a-f]{64} /m);
    await initBare(folder, format < 0 ? 'sha1' : 'sha256', null);
    await git(folder, [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      path,
      '+refs/*:refs/given/*',
    ]).catch((cause: unknown) => {
      throw invalid(`The bundle "${name}" cannot be read; it must hold a complete history.`, cause);
    });
    return { folder: null, objects: join(folder, 'objects'), format: format < 0 ? 'sha1' : 'sha256' };
  }
}

const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

/** Whether a user without rights can get to a folder: each one above it lets everybody pass. */
async function openToAll(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o005) !== 0o005) return false;
    if (path === dirname(path)) return true;
  }
}

async function objectFormat(gitFolder: string): Promise<string> {
  const args = ['config', '--file', join(gitFolder, 'config'), '--no-includes', 'extensions.objectformat'];
  return (await git('/', args).catch(() => Buffer.from(''))).toString().trim() || 'sha1';
}

/** A bare repository of ours that borrows the objects of another. No templates: they bring hooks. */
async function initBare(folder: string, format: string, objects: string | null): Promise<void> {
  await mkdir(folder);
  await git(folder, ['init', '--bare', '--quiet', '--template=', `--object-format=${format}`, '.']);
  await mkdir(join(folder, 'info'), { recursive: true });
  await mkdir(join(folder, 'objects/info'), { recursive: true });
  if (objects) await writeFile(join(folder, 'objects/info/alternates'), `${objects}\n`);
  // Files come out as they were committed: nothing left out, filtered, expanded or given other line ends.
  const attributes = '-export-ignore -export-subst -filter -text -eol -ident -working-tree-encoding';
  await writeFile(join(folder, 'info/attributes'), `* ${attributes}\n`);
}
