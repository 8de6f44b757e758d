import { Worker } from 'node:worker_threads';
import { interpret } from './outcome';
import { QUICKJS_WORKER } from './quickjs-worker';
import { checkRequest } from './request';
import {
  FLOOD_FACTOR,
  type Sandbox,
  type SandboxLanguage,
  type SandboxRequest,
  type SandboxResult,
} from './sandbox';

/** What the worker's own heap may grow to; the program's memory is WebAssembly's and limited apart. */
const HOST_HEAP_MB = 256;

/** What the worker sends back. */
interface Evaluated {
  stdout: string;
  stderr: string;
  exitCode: number;
  truncated: boolean;
  outOfMemory: boolean;
  flood?: boolean;
}

/**
 * Plain JavaScript in QuickJS compiled to WebAssembly, for machines with neither bubblewrap nor containers.
 * `argv` is `['{tool}', file, …]`; the files are evaluated as scripts, one after the other in one global scope
 * with `console` and `__stdin` only. It ends with exit code 1 at the first that throws.
 */
export class QuickjsSandbox implements Sandbox {
  readonly kind = 'quickjs';
  readonly languages: ReadonlyMap<SandboxLanguage, string> = new Map([
    ['javascript', 'QuickJS (ES2023, no modules)'],
  ]);
  private readonly library = require.resolve('quickjs-emscripten');

  async run(request: SandboxRequest, signal?: AbortSignal): Promise<SandboxResult> {
    const { limits, files } = checkRequest(request, this.languages);
    const startedAt = performance.now();
    const texts = new Map(files);
    const names = request.argv.slice(1);
    const scripts = names.flatMap((name) => (texts.has(name) ? [[name, texts.get(name)]] : []));
    const end = (
      stopped: 'wall' | 'flood' | 'cancelled' | null,
      evaluated: Evaluated | null,
      refusal: string | null,
    ) =>
      interpret(
        {
          exitCode: evaluated?.exitCode ?? null,
          signal: stopped ? 'SIGKILL' : null,
          stopped,
          startError: null,
          stdout: evaluated?.stdout ?? '',
          stderr: evaluated?.stderr ?? '',
          outputTruncated: evaluated?.truncated ?? false,
          durationMs: performance.now() - startedAt,
        },
        { oomKills: evaluated?.outOfMemory ? 1 : 0, forkRefusals: 0, refusal },
      );
    if (scripts.length === 0 || scripts.length < names.length)
      return end(
        null,
        null,
        `quickjs runs files of the request and nothing else, not ${request.argv.join(' ')}`,
      );
    const worker = new Worker(QUICKJS_WORKER, {
      eval: true,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: HOST_HEAP_MB },
      workerData: {
        library: this.library,
        scripts,
        stdin:
          typeof request.stdin === 'string' ? request.stdin : Buffer.from(request.stdin ?? []).toString(),
        memoryBytes: Math.min(limits.memoryBytes, 512 * 1024 * 1024),
        outputBytes: limits.outputBytes,
        floodBytes: limits.outputBytes * FLOOD_FACTOR,
      },
    });
    const result = await ended(worker, limits.wallMs, signal);
    await worker.terminate();
    if (result === 'wall' || result === 'cancelled') return end(result, null, null);
    return end(result.flood ? 'flood' : null, result, null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function ended(
  worker: Worker,
  wallMs: number,
  signal?: AbortSignal,
): Promise<Evaluated | 'wall' | 'cancelled'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle('wall'), wallMs);
    const abort = () => settle('cancelled');
    const settle = (value: Evaluated | 'wall' | 'cancelled') => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(value);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    worker.once('message', settle);
    const fault = { stdout: '', exitCode: 70, truncated: false };
    worker.once('error', (error: NodeJS.ErrnoException) =>
      settle({
        ...fault,
        stderr: String(error),
        outOfMemory: error.code === 'ERR_WORKER_OUT_OF_MEMORY',
      }),
    );
    worker.once('exit', () =>
      settle({ ...fault, stderr: 'the worker ended without a result', outOfMemory: false }),
    );
  });
}
