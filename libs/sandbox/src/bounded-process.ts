import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Writable } from 'node:stream';
import { FLOOD_FACTOR } from './sandbox';

/** Time between two looks at what cannot be limited by the kernel. */
const LOOK_MS = 100;

/** What to start and how to stop it. */
export interface BoundedProcess {
  program: string;
  args: readonly string[];
  options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'>;
  stdin: string | Uint8Array;
  /** Data for file descriptors 3, 4, …; each is written and closed. `null` opens it for reading by us. */
  extra: readonly (string | Uint8Array | null)[];
  wallMs: number;
  outputBytes: number;
  /** Called once the process exists; `pipes[i]` belongs to descriptor 3 + i. */
  started?: (child: ChildProcess, pipes: readonly (Writable | NodeJS.ReadableStream)[]) => void;
  /** Asked ten times a second; `true` ends the run for the number of its files. */
  overfull?: () => boolean;
  /** Kills the whole tree; by default the process alone. */
  kill?: (child: ChildProcess) => void;
}

/** Raw end of a process, before a back end interprets it. */
export interface BoundedResult {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Why we ended it, if we did. */
  stopped: 'wall' | 'flood' | 'files' | 'cancelled' | null;
  startError: string | null;
  stdout: string;
  stderr: string;
  outputTruncated: boolean;
  durationMs: number;
}

/** Keeps the first `limit` bytes of a stream, counts the rest, and calls `flood` far beyond it. */
class BoundedOutput {
  private readonly chunks: Buffer[] = [];
  private kept = 0;
  private seen = 0;

  constructor(
    private readonly limit: number,
    private readonly flood: () => void,
  ) {}

  add(chunk: Buffer): void {
    this.seen += chunk.length;
    const room = this.limit - this.kept;
    if (room > 0) {
      const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
      this.chunks.push(part);
      this.kept += part.length;
    }
    if (this.seen > this.limit * FLOOD_FACTOR) this.flood();
  }

  get truncated(): boolean {
    return this.seen > this.limit;
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

const ignoreBrokenPipe = (stream: NodeJS.EventEmitter | null | undefined) =>
  stream?.on('error', () => undefined);

function feed(child: ChildProcess, run: BoundedProcess): (Writable | NodeJS.ReadableStream)[] {
  ignoreBrokenPipe(child.stdin);
  child.stdin?.end(run.stdin);
  return run.extra.map((data, index) => {
    const pipe = child.stdio[3 + index] as Writable;
    ignoreBrokenPipe(pipe);
    if (data !== null) pipe.end(data);
    return pipe;
  });
}

/**
 * Starts a process, feeds it, reads bounded output, and ends it at the time limit, at a flood of output or
 * when `signal` aborts. Resolves when the process has ended and its pipes are closed; never rejects.
 */
export function runBounded(run: BoundedProcess, signal?: AbortSignal): Promise<BoundedResult> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let stopped: BoundedResult['stopped'] = null;
    let startError: string | null = null;
    const child = spawn(run.program, run.args, {
      ...run.options,
      stdio: ['pipe', 'pipe', 'pipe', ...run.extra.map(() => 'pipe' as const)],
    });
    const stop = (why: BoundedResult['stopped']) => {
      if (stopped !== null) return;
      stopped = why;
      if (run.kill) run.kill(child);
      else child.kill('SIGKILL');
    };
    const stdout = new BoundedOutput(run.outputBytes, () => stop('flood'));
    const stderr = new BoundedOutput(run.outputBytes, () => stop('flood'));
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    const timer = setTimeout(() => stop('wall'), run.wallMs);
    const look = () => run.overfull?.() && stop('files');
    const watch = run.overfull ? setInterval(look, LOOK_MS) : undefined;
    const abort = () => stop('cancelled');
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    const finish = (exitCode: number | null, exitSignal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      clearInterval(watch);
      signal?.removeEventListener('abort', abort);
      resolve({
        exitCode,
        signal: exitSignal,
        stopped,
        startError,
        stdout: stdout.text(),
        stderr: stderr.text(),
        outputTruncated: stdout.truncated || stderr.truncated,
        durationMs: performance.now() - startedAt,
      });
    };
    child.on('error', (error) => {
      startError = error.message;
      if (child.pid === undefined) finish(null, null);
    });
    child.on('close', finish);
    const pipes = feed(child, run);
    if (child.pid !== undefined) run.started?.(child, pipes);
  });
}
