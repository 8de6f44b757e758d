/**
 * Source of the worker that evaluates scripts in QuickJS. A worker, so that a loop inside blocks nobody and the time
 * limit holds. The WebAssembly instance has no imports but console output: no files, no network, no process, no
 * modules. Values are made text inside, by functions that were taken before the first script ran, and cut there:
 * the host never builds an object or a long string for a program.
 */
export const QUICKJS_WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { getQuickJS } = require(workerData.library);

const SHOW = \`(() => {
  const { stringify } = JSON, { apply } = Reflect, { slice } = String.prototype, text = String;
  const shown = (v) => {
    if (typeof v === 'string') return v;
    try { if (typeof v === 'object' && v !== null) { const t = stringify(v); if (typeof t === 'string') return t; } } catch {}
    try { return text(v); } catch { return '[object]'; }
  };
  const failure = (e) => {
    try { if (e && e.stack) return e.name + ': ' + e.message + '\\\\n' + e.stack; } catch {}
    try { return text((e && e.message) || e); } catch { return 'an error that cannot be shown'; }
  };
  return (v, room, failed) => { const t = failed ? failure(v) : shown(v); return apply(slice, t, [0, room]); };
})()\`;

(async () => {
  const quickjs = await getQuickJS();
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(workerData.memoryBytes);
  runtime.setMaxStackSize(1024 * 1024);
  const vm = runtime.newContext();
  const show = vm.unwrapResult(vm.evalCode(SHOW, 'show.js'));
  const textOf = (value, room, failed) => {
    const result = vm.callFunction(show, vm.undefined, value, vm.newNumber(room), failed ? vm.true : vm.false);
    if (result.error) { result.error.dispose(); return failed ? 'out of memory' : '[object]'; }
    const text = vm.getString(result.value);
    result.value.dispose();
    return text;
  };
  const out = { stdout: '', stderr: '' };
  let truncated = false;
  let seen = 0;
  const writer = (name) => vm.newFunction(name, (...args) => {
    const room = Math.max(0, workerData.outputBytes - out[name].length);
    const line = args.map((a) => textOf(a, Math.max(room + 1, 65536), false)).join(' ') + '\\n';
    if (line.length > room) truncated = true;
    out[name] += line.slice(0, room);
    seen += line.length;
    if (seen > workerData.floodBytes) parentPort.postMessage({ ...out, exitCode: 1, truncated: true, outOfMemory: false, flood: true });
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
    failure = textOf(result.error, 65536, true);
    result.error.dispose();
    return null;
  };
  for (const [name, code] of workerData.scripts) {
    if (failure !== null) break;
    const value = note(vm.evalCode(code, name));
    if (value && value.dispose) value.dispose();
  }
  if (failure === null) note(runtime.executePendingJobs());
  if (failure !== null) out.stderr += failure + '\\n';
  parentPort.postMessage({ ...out, exitCode: failure === null ? 0 : 1, truncated, outOfMemory: /out of memory/.test(failure ?? '') });
})().catch((error) => parentPort.postMessage({ stdout: '', stderr: String(error), exitCode: 70, truncated: false, outOfMemory: false }));
`;
