import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What is kept of an agent's output, from its end: answers and accounts are printed last. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** Output beyond this ends the agent: it has lost its way. */
const FLOOD_BYTES = 256 * 1024 * 1024;
/** Longest wait for pipes that somebody outside the group holds open. */
const PIPE_GRACE_MS = 1_000;
/** The variable by which processes that left their group are found again. */
export const AGENT_MARK = 'ACR_AGENT_CALL';

/**
 * Starts the agent beside a watcher that holds the other end of descriptor 3: when we die, however, it reads the
 * end of file and kills the whole group.
 */
const LAUNCH = '(read _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$@" 3<&-';

/** One run of a program with everything it starts. */
export interface AgentRun {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All that it sees; {@link AGENT_MARK} among it, with a value of this run's own. */
  env: Readonly<Record<string, string>>;
  stdin: string;
  timeoutMs: number;
}

export interface AgentEnd {
  exitCode: number | null;
  signal: string | null;
  /** Why we ended it, if we did. */
  stopped: 'timeout' | 'flood' | 'cancelled' | null;
  startError: string | null;
  /** The end of each, at most 8 MiB. */
  stdout: string;
  stderr: string;
}

/** Runs an agent to its end, or kills it with its whole tree at the time limit, a flood or the signal. Never rejects. */
export function runAgent(run: AgentRun, signal: AbortSignal): Promise<AgentEnd> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', LAUNCH, 'acr-agent', run.command, ...run.args], {
      cwd: run.cwd,
      env: run.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const end: AgentEnd = {
      exitCode: null,
      signal: null,
      stopped: null,
      startError: null,
      stdout: '',
      stderr: '',
    };
    const killAll = () => killTree(child, run.env[AGENT_MARK]);
    const stop = (why: AgentEnd['stopped']) => {
      end.stopped ??= why;
      killAll();
    };
    const out = tailOf(child.stdout, () => stop('flood'));
    const err = tailOf(child.stderr, () => stop('flood'));
    const cancel = () => stop('cancelled');
    const timer = setTimeout(() => stop('timeout'), run.timeoutMs);
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      for (const stream of child.stdio) stream?.destroy();
      resolve({ ...end, stdout: out(), stderr: err() });
    };
    child.on('error', (error) => {
      end.startError = error.message;
      finish();
    });
    child.on('exit', (exitCode, exitSignal) => {
      Object.assign(end, { exitCode, signal: exitSignal });
      killAll();
      const grace = setTimeout(finish, PIPE_GRACE_MS);
      child.on('close', () => {
        clearTimeout(grace);
        finish();
      });
    });
    for (const stream of [child.stdin, child.stdio[3]]) stream?.on('error', () => undefined);
    child.stdin?.end(run.stdin);
  });
}

/** Keeps the last bytes of a stream; the result reads them. */
function tailOf(stream: NodeJS.ReadableStream | null, flood: () => void): () => string {
  let chunks: Buffer[] = [];
  let kept = 0;
  let seen = 0;
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    kept += chunk.length;
    seen += chunk.length;
    if (kept > 2 * KEPT_BYTES) {
      chunks = [Buffer.concat(chunks).subarray(-KEPT_BYTES)];
      kept = KEPT_BYTES;
    }
    if (seen > FLOOD_BYTES) flood();
  });
  return () => Buffer.concat(chunks).subarray(-KEPT_BYTES).toString('utf8');
}

function killTree(child: ChildProcess, mark: string | undefined): void {
  if (child.pid !== undefined) kill(-child.pid);
  if (mark) for (const pid of processesMarked(mark)) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** Processes of this user whose environment holds the mark, whatever group they are in. Linux only; else none. */
function processesMarked(mark: string): number[] {
  const wanted = `${AGENT_MARK}=${mark}`;
  return readFolder('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const marked = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(wanted);
      return marked ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
