import { AcrError } from '@acrouter/domain/errors';
import { resolve } from 'node:path';
import { git, gitText } from './git';

/** A file of a commit. */
export interface RepositoryFile {
  path: string;
  /** Object id of its content. */
  blob: string;
  mode: '100644' | '100755';
  sizeBytes: number;
}

/** The user's repository; only read, until the finished branch is put into it. */
export interface Repository {
  /** Top of the working tree. */
  root: string;
  /** The .git folder that all worktrees share, absolute. */
  gitFolder: string;
  head: string;
  /** Files with changes that are not committed; a refactor does not see those. */
  uncommitted: number;
  /** `Name <address>` for commits. */
  identity: string;
}

/** @throws AcrError ACR_INVALID_REQUEST when `folder` is in no repository, or that has no commit */
export async function openRepository(folder: string): Promise<Repository> {
  const root = await gitText(folder, 'rev-parse', '--show-toplevel').catch((cause: unknown) => {
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${resolve(folder)} is not in a git working tree. A refactor works on a commit; run "git init" and commit first.`,
      { cause },
    );
  });
  const head = await gitText(root, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}').catch(
    (cause: unknown) => {
      throw new AcrError('ACR_INVALID_REQUEST', `${root} has no commit yet. Commit the files first.`, {
        cause,
      });
    },
  );
  const status = await gitText(root, 'status', '--porcelain', '--untracked-files=no');
  return {
    root,
    gitFolder: await gitText(root, 'rev-parse', '--path-format=absolute', '--git-common-dir'),
    head,
    uncommitted: status === '' ? 0 : status.split('\n').length,
    identity: await identityOf(root),
  };
}

async function identityOf(root: string): Promise<string> {
  const setting = (key: string) => gitText(root, 'config', '--get', key).catch(() => '');
  const clean = (text: string) => text.replace(/[<>\n\0]/g, '').trim();
  const [name, address] = await Promise.all([setting('user.name'), setting('user.email')]);
  return `${clean(name) || 'acr'} <${clean(address) || 'acr@localhost'}>`;
}

/** Regular files of a commit. Links and submodules are left out, and names that no tool of the chain can take. */
export async function listFiles(folder: string, commit: string): Promise<RepositoryFile[]> {
  const out = (await git(folder, ['ls-tree', '-r', '-z', '-l', '--full-tree', commit])).toString();
  return out.split('\0').flatMap((line) => {
    const [, mode, blob, size, path] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t([^]+)$/.exec(line) ?? [];
    if ((mode !== '100644' && mode !== '100755') || !blob || !path) return [];
    if (/[\u0000-\u001f"\\]/.test(path)) return [];
    return [{ path, blob, mode, sizeBytes: Number(size) }];
  });
}

/** Texts of the files, path → text; `null` for one that is not UTF-8 text. */
export async function readTexts(
  folder: string,
  files: readonly RepositoryFile[],
): Promise<Map<string, string | null>> {
  const input = files.map((f) => `${f.blob}\n`).join('');
  const out = await git(folder, ['cat-file', '--batch'], input);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const texts = new Map<string, string | null>();
  let at = 0;
  for (const file of files) {
    const start = out.indexOf(10, at) + 1;
    const bytes = out.subarray(start, start + file.sizeBytes);
    at = start + file.sizeBytes + 1;
    texts.set(file.path, decode(decoder, bytes));
  }
  return texts;
}

function decode(decoder: { decode(bytes: Uint8Array): string }, bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
