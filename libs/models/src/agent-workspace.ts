import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { rawEnv } from '@acrouter/config/env';
import { REPOSITORY_ARCHIVE } from '@acrouter/domain/verification/repository-archive';
import type { Workspace } from './model-client';

/** A longer change is no answer: what checks answers reads at most 2,000,000 characters. */
const MAX_ANSWER_BYTES = 4_000_000;
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;
const PREFIX = 'acr-agent-';

/** A copy of a task's files for one call: nothing in it is the user's, and nothing of it stays. */
export class AgentWorkspace {
  /** Where the agent starts. */
  readonly folder: string;

  private constructor(
    readonly root: string,
    private readonly task: Workspace,
  ) {
    this.folder = join(root, 'work');
  }

  /** @throws Error when the files cannot be laid out; nothing is left behind then. */
  static async create(task: Workspace): Promise<AgentWorkspace> {
    const root = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
    const workspace = new AgentWorkspace(root, task);
    try {
      for (const name of ['work', 'home', 'tmp', 'base.git']) await mkdir(join(root, name));
      await workspace.fill();
      await workspace.rememberBase();
      return workspace;
    } catch (error) {
      await workspace.remove();
      throw error;
    }
  }

  /**
   * The answer: the changes of the files that may change as a unified diff, or the program that was written, in a
   * fence. `null` where the agent left neither. @throws Error when the change is too large to be one
   */
  async answer(): Promise<string | null> {
    const { edits, answerFile, language } = this.task;
    if (edits.length > 0) return (await this.git('diff', ...DIFF_FLAGS, '--', ...edits)) || null;
    const text = this.readAnswer(answerFile);
    if (!text?.trim() || language === null) return text?.trim() ? text : null;
    const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((m) => m[0].length));
    const fence = '`'.repeat(longest + 1);
    return `${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}\n`;
  }

  /** Removes everything. */
  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  private async fill(): Promise<void> {
    const { files, edits } = this.task;
    const archive = files[REPOSITORY_ARCHIVE];
    if (archive !== undefined) await this.unpack(archive);
    const texts = { ...Object.fromEntries(edits.map((path) => [path, ''])), ...files };
    for (const [path, text] of Object.entries(texts))
      if (path !== REPOSITORY_ARCHIVE) await this.write(path, text);
    await this.beginRepository();
  }

  /** Agents expect a repository with a commit. It is theirs: what they do to it changes nothing for us. */
  private async beginRepository(): Promise<void> {
    // Settings of a repository that came with the task would be commands of whoever wrote the task.
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true }))
      if (entry.name === '.git')
        await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
    await run('git', ['init', '--quiet', '--template='], this.folder);
    await run('git', ['config', 'user.name', 'acr'], this.folder);
    await run('git', ['config', 'user.email', 'acr@localhost'], this.folder);
    await run('git', ['add', '--all', '--force'], this.folder);
    await run('git', ['commit', '--quiet', '--allow-empty', '--message', 'The task'], this.folder);
  }

  private async unpack(archive: string): Promise<void> {
    const tar = await promisify(gunzip)(Buffer.from(archive, 'base64'), {
      maxOutputLength: MAX_ARCHIVE_BYTES,
    });
    const file = join(this.root, 'repository.tar');
    await writeFile(file, tar);
    await run('tar', ['-xf', file, '--no-same-owner', '--no-same-permissions'], this.folder);
    await rm(file);
  }

  /** Never through a link that the archive holds. */
  private async write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path);
    await mkdir(dirname(file), { recursive: true });
    const inside = `${realpathSync(dirname(file))}/`.startsWith(`${realpathSync(this.folder)}/`);
    if (!inside) throw new Error(`${path} lies outside of the task's folder`);
    await rm(file, { force: true });
    await writeFile(file, text);
  }

  /** Into an index of our own, out of the agent's sight: its commits and settings change nothing for us. */
  private async rememberBase(): Promise<void> {
    if (this.task.edits.length === 0) return;
    await this.git('init', '--quiet', '--template=');
    await mkdir(join(this.root, 'base.git/info'), { recursive: true });
    await writeFile(
      join(this.root, 'base.git/info/attributes'),
      '* -text -ident -filter -working-tree-encoding diff\n',
    );
    await this.git('add', '--force', '--', ...this.task.edits);
  }

  private git(...args: string[]): Promise<string> {
    const settings = ['core.quotePath=false', 'core.fsmonitor=false', 'core.hooksPath=/dev/null'];
    const env = {
      GIT_DIR: join(this.root, 'base.git'),
      GIT_WORK_TREE: this.folder,
      GIT_LITERAL_PATHSPECS: '1',
    };
    return run('git', [...settings.flatMap((s) => ['-c', s]), ...args], this.folder, env);
  }

  private readAnswer(path: string): string | null {
    const file = join(this.folder, path);
    try {
      if (!lstatSync(file).isFile() || lstatSync(file).size > MAX_ANSWER_BYTES) return null;
      return readFileSync(file, 'utf8');
    } catch {
      return null;
    }
  }
}

const DIFF_FLAGS = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames', '--ignore-submodules'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '--unified=3'],
];

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const clean = { PATH: rawEnv()['PATH'] ?? '', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const { stdout } = await promisify(execFile)(command, [...args], {
    cwd,
    env: { ...clean, ...env },
    maxBuffer: MAX_ANSWER_BYTES,
  });
  return stdout;
}

/** Removes the folders of processes that were killed before they could. */
export function sweepAgentFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && pid !== process.pid && !isAlive(pid))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
