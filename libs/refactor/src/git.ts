import { AcrError } from '@acrouter/domain/errors';
import { spawn } from 'node:child_process';

/** Variables of a surrounding git command (a hook, an alias) that would lead ours to another index or store. */
const FOREIGN = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
];
/** No hooks, no clean-up in the background, and no refreshing of anybody's index. */
const QUIET = [
  '--no-optional-locks',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'gc.auto=0',
  '-c',
  'maintenance.auto=false',
];

/**
 * Runs git in `folder` and returns its standard output. Only commands that touch neither index nor working tree
 * are used by this library.
 * @throws AcrError ACR_INVALID_REQUEST with git's own words
 */
export function git(folder: string, args: readonly string[], input: string | Buffer = ''): Promise<Buffer> {
  const unset = FOREIGN.flatMap((name) => ['-u', name]);
  const child = spawn('env', [...unset, 'git', ...QUIET, ...args], { cwd: folder });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4_000)));
  // git may end before it has read everything; its exit code tells what that meant.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new AcrError('ACR_INVALID_REQUEST', `git ${args[0]} failed in ${folder}: ${why}`, { cause }));
    child.on('error', (error) => fail(error.message, error));
    child.on('close', (code) =>
      code === 0 ? resolve(Buffer.concat(out)) : fail(stderr.trim() || `exit code ${code}`),
    );
  });
}

/** As {@link git}, as trimmed text. */
export async function gitText(folder: string, ...args: string[]): Promise<string> {
  return (await git(folder, args)).toString().trim();
}
