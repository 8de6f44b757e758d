import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = join(__dirname, '..');
const ACR = join(ROOT, 'apps/cli/bin/acr.mjs');

/** How a command ended. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `acr …` in `cwd` as a user would; never throws for a failing command. */
export function acr(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  return run(process.execPath, [ACR, ...args], cwd, env);
}

export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  input = '',
): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program that does not read its input may end before it was written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
}

export interface StackState {
  url: string;
  databaseUrl: string;
  services: { name: string; pid: number; port: number }[];
}

/** A real stack in a folder of its own: `acr up --detach` with the given pool. */
export class Stack {
  private constructor(
    readonly dir: string,
    private readonly redis: RedisServer | null,
  ) {}

  static async start(
    modelsYaml: string,
    options: { queue?: 'postgres' | 'redis'; env?: Record<string, string> } = {},
  ): Promise<Stack> {
    const dir = mkdtempSync(join(tmpdir(), 'acr-e2e-'));
    // Root's Postgres runs as nobody and would else keep its data outside of a private folder.
    chmodSync(dir, 0o755);
    const redis = options.queue === 'redis' ? await RedisServer.start(dir) : null;
    const stack = new Stack(dir, redis);
    writeFileSync(join(dir, 'models.yaml'), modelsYaml);
    const queue = redis ? ['--queue-url', redis.url] : [];
    const up = await acr(
      ['up', '--detach', '--port', '0', '--models', 'models.yaml', '--data-dir', '.acr', ...queue],
      dir,
      options.env,
    );
    if (up.code !== 0) {
      await stack.stop();
      throw new Error(`acr up failed: ${up.stdout}${up.stderr}`);
    }
    return stack;
  }

  /** What runs now; read anew, since restarted services have other pids. */
  get state(): StackState {
    return JSON.parse(readFileSync(join(this.dir, '.acr/stack.json'), 'utf8')) as StackState;
  }

  acr(...args: string[]): Promise<Ran> {
    return acr(args, this.dir);
  }

  file(name: string, text: string): string {
    writeFileSync(join(this.dir, name), text);
    return name;
  }

  /** Empties the queue's Redis, as an operator's worst day would. */
  flushRedis(): Promise<Ran> {
    if (!this.redis) throw new Error('this stack has no Redis');
    return run('redis-cli', ['-u', this.redis.url, 'FLUSHALL'], this.dir);
  }

  async stop(): Promise<void> {
    await acr(['down', '--data-dir', '.acr'], this.dir);
    await this.redis?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A redis-server of the test's own, set up as production asks. */
class RedisServer {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(dir: string): Promise<RedisServer> {
    const port = String(20_000 + Math.floor(Math.random() * 20_000));
    const args = [
      '--port',
      port,
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--maxmemory-policy',
      'noeviction',
      '--save',
      '',
    ];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    const url = `redis://127.0.0.1:${port}`;
    for (let i = 0; i < 100; i++) {
      if ((await run('redis-cli', ['-u', url, 'PING'], dir)).stdout.trim() === 'PONG')
        return new RedisServer(url, child);
      await sleep(50);
    }
    child.kill('SIGKILL');
    throw new Error('redis-server did not start');
  }

  stop(): Promise<void> {
    const ended = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.kill('SIGTERM');
    return ended;
  }
}
