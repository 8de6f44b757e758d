import { Worker } from 'node:worker_threads';
import { interpret } from './outcome';
import { checkRequest } from './request';
import type { Sandbox, SandboxLanguage, SandboxRequest, SandboxResult } from './sandbox';

/** What the worker sends back. */
interface Evaluated {
  stdout: string;
  stderr: string;
  exitCode: number;
  truncated: boolean;
  outOfMemory: boolean;
}

/**
 * Runs in a worker, so that a loop inside blocks nobody and the time limit holds. The WebAssembly instance has
 * no imports but console output: no files, no network, no process, no modules.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { getQuickJS } = require(workerData.library);
(async () => {
  const quickjs = await getQuickJS();
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(workerData.memoryBytes);
  runtime.setMaxStackSize(1024 * 1024);
  const vm = runtime.newContext();
  const out = { stdout: '', stderr: '' };
  let truncated = false;
  const writer = (name) => vm.newFunction(name, (...args) => {
    const line = args.map((a) => { const v = vm.dump(a); return typeof v === 'string' ? v : JSON.stringify(v); }).join(' ') + '\\n';
    const room = workerData.outputBytes - out[name].length;
    if (line.length > room) truncated = true;
    out[name] += line.slice(0, Math.max(0, room));
  });
  const console_ = vm.newObject();
  for (const [method, stream] of [['log', 'stdout'], ['info', 'stdout'], ['debug', 'stdout'], ['error', 'stderr'], ['warn', 'stderr']])
    writer(stream).consume((f) => vm.setProp(console_, method, f));
  vm.setProp(vm.global, 'console', console_);
  console_.dispose();
  vm.newString(workerData.stdin).consume((s) => vm.setProp(vm.global, '__stdin', s));
  let failure = null;
  const note = (result) => {
    if (!result.error) return result.value;
    const e = vm.dump(result.error); result.error.dispose();
    failure = (e && e.stack ? e.name + ': ' + e.message + '\\n' + e.stack : String(e && e.message || e)); return null;
  };
  for (const [name, code] of workerData.scripts) {
    if (failure) break;
    const value = note(vm.evalCode(code, name));
    if (value && value.dispose) value.dispose();
  }
  if (!failure) { const jobs = runtime.executePendingJobs(); if (jobs.error) { const e = vm.dump(jobs.error); failure = String(e && e.message || e); } }
  if (failure) out.stderr += failure + '\\n';
  parentPort.postMessage({ ...out, exitCode: failure ? 1 : 0, truncated, outOfMemory: /out of memory/.test(failure || '') });
})().catch((error) => parentPort.postMessage({ stdout: '', stderr: String(error), exitCode: 70, truncated: false, outOfMemory: false }));
`;

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
    const end = (stopped: 'wall' | 'cancelled' | null, evaluated: Evaluated | null, refusal: string | null) =>
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
    const worker = new Worker(WORKER, {
      eval: true,
      env: {},
      workerData: {
        library: this.library,
        scripts,
        stdin:
          typeof request.stdin === 'string' ? request.stdin : Buffer.from(request.stdin ?? []).toString(),
        memoryBytes: Math.min(limits.memoryBytes, 512 * 1024 * 1024),
        outputBytes: limits.outputBytes,
      },
    });
    const result = await ended(worker, limits.wallMs, signal);
    await worker.terminate();
    if (result === 'wall' || result === 'cancelled') return end(result, null, null);
    return end(null, result, null);
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
    const fault = { stdout: '', exitCode: 70, truncated: false, outOfMemory: false };
    worker.once('error', (error) => settle({ ...fault, stderr: String(error) }));
    worker.once('exit', () => settle({ ...fault, stderr: 'the worker ended without a result' }));
  });
}
