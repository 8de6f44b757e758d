import { spawn } from 'node:child_process';
import { AcrError } from '@acrouter/domain/errors';

/** Everything that a repository or its user could make git run or read: hooks, filters, helpers, replaced objects. */
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'file',
};
const SETTINGS = ['core.hooksPath=/dev/null', 'gc.auto=0', 'maintenance.auto=false', 'safe.directory=*'];

/**
 * Runs git in a bare repository of our own and returns its standard output. It never runs inside a repository of
 * a user's, and reads no configuration but that of ours.
 * @throws AcrError ACR_INVALID_REQUEST with git's own words; ACR_TOO_LARGE beyond `maxBytes` of output
 */
export function git(
  folder: string,
  args: readonly string[],
  input: string | Buffer = '',
  maxBytes = 64 * 1024 ** 2,
): Promise<Buffer> {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  const child = spawn('git', ['--no-optional-locks', ...settings, ...args], {
    cwd: folder,
    env: ENVIRONMENT,
  });
  const out: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) child.kill('SIGKILL');
    else out.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2_000)));
  // git may end before it has read everything; its exit code tells what that meant.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new AcrError('ACR_INVALID_REQUEST', 'git does not start', { cause })),
    );
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else if (bytes > maxBytes)
        reject(new AcrError('ACR_TOO_LARGE', `git ${args[0]} gave more than ${maxBytes / 1024 ** 2} MB`));
      else
        reject(
          new AcrError('ACR_INVALID_REQUEST', `git ${args[0]}: ${stderr.trim() || `exit code ${code}`}`),
        );
    });
  });
}
