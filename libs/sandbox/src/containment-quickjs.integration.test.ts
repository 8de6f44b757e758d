import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { SandboxLimits, SandboxResult } from './sandbox';
import { placesHere, SandboxChild } from './testing-sandbox';

jest.setTimeout(120_000);

/**
 * Names by which a JavaScript host gives its programs files, processes, sockets, threads or itself. QuickJS in
 * WebAssembly has none of them, so a whole class of attacks has nothing to begin with; that is what is tested.
 */
const HOST_NAMES = [
  'require', 'module', 'process', 'Deno', 'Bun', 'std', 'os', 'bjson', 'scriptArgs', 'print', 'loadScript',
  'global', 'window', 'self', 'fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'Worker', 'SharedWorker',
  'importScripts', 'postMessage', 'WebAssembly', 'ShadowRealm', 'setTimeout', 'setInterval', 'setImmediate',
  'Buffer', 'navigator', 'performance', 'parentPort', 'workerData',
]; // prettier-ignore

describe.each(placesHere(['quickjs']))('a $kind sandbox opened as $as', ({ uid }) => {
  let sandbox: SandboxChild;
  let loopback: Server;
  let port: number;
  let reached = 0;
  beforeAll(async () => {
    sandbox = await SandboxChild.open({ kind: 'quickjs', uid });
    loopback = createServer((socket) => {
      reached++;
      socket.end();
    });
    await new Promise<void>((resolve) => loopback.listen(0, '127.0.0.1', resolve));
    port = (loopback.address() as { port: number }).port;
  });
  afterAll(async () => {
    await sandbox.close();
    await new Promise((resolve) => loopback.close(resolve));
  });

  /** Evaluates a script, then makes sure that the next check works as ever and sees nothing of it. */
  async function attack(code: string, limits: Partial<SandboxLimits> = {}): Promise<SandboxResult> {
    const request = { language: 'javascript' as const, argv: ['{tool}', 'a.js'] };
    const result = await sandbox.run({ ...request, files: { 'a.js': code }, limits });
    const next = await sandbox.run({
      ...request,
      files: { 'a.js': 'console.log(6 * 7, typeof leftover, ({}).polluted, [].at(0))' },
    });
    expect(next).toMatchObject({
      outcome: { kind: 'ended', exitCode: 0 },
      stdout: '42 undefined undefined undefined\n',
    });
    return result;
  }
  const output = async (code: string) => {
    const result = await attack(code);
    expect(result.outcome).toEqual({ kind: 'ended', exitCode: 0 });
    return result.stdout;
  };

  describe('bounds', () => {
    test.each([
      ['an endless loop', 'for (;;) {}'],
      ['an endless chain of promises', 'const f = () => Promise.resolve().then(f); f();'],
      ['a regular expression that backtracks', '/^(a+)+$/.test("a".repeat(60) + "b");'],
      ['an endless generator', 'function* g() { for (;;) yield 1; } for (const x of g());'],
    ])('%s', async (_name, code) => {
      expect((await attack(code, { wallMs: 1_500 })).outcome).toEqual({ kind: 'timed-out', limit: 'wall' });
    });

    test.each([
      [
        '10 GB of memory',
        'const a = []; for (let i = 0; i < 10240; i++) a.push(new Uint8Array(1024 ** 2).fill(1));',
      ],
      ['memory in strings', 'let s = "x"; for (;;) s += s + "y";'],
      ['memory in small objects', 'const a = []; for (;;) a.push({ a: [] });'],
    ])('%s', async (_name, code) => {
      const result = await attack(`${code}\nconsole.log("got it")`, {
        wallMs: 60_000,
        memoryBytes: 64 * 1024 ** 2,
      });
      expect(result.stdout).toBe('');
      expect(result.outcome.kind === 'out-of-memory' || /too large|too long|length/.test(result.stderr)).toBe(
        true,
      );
    });

    test('memory of the host, by printing what is small inside', async () => {
      const code = 'let a = [1]; for (let i = 0; i < 26; i++) a = [a, a]; console.log(a);';
      const result = await attack(code, { wallMs: 10_000 });
      expect(result.stdout.length).toBeLessThanOrEqual(1024 * 1024);
    });

    test('endless recursion', async () => {
      const result = await attack('const f = () => f() + 1; f();');
      expect(result.outcome).toEqual({ kind: 'ended', exitCode: 1 });
      expect(result.stderr).toMatch(/stack/i);
    });

    test('a flood of output', async () => {
      const result = await attack('for (;;) console.log("x".repeat(65536))', { wallMs: 60_000 });
      expect(result.outcome).toEqual({ kind: 'output-flood' });
      expect(result.limitsHit).toEqual(['output', 'flood']);
      expect(result.stdout.length).toBeLessThanOrEqual(1024 * 1024);
    });
  });

  test('has no files, processes, sockets, threads, timers or environment of the host', async () => {
    const code = `console.log([${HOST_NAMES.map((n) => `'${n}'`).join(', ')}].filter((n) => n in globalThis).join());`;
    expect(await output(code)).toBe('\n');
  });

  test('processor time burnt by many processes, fork bombs, daemons, namespaces: nothing starts a process', async () => {
    const code = 'console.log([typeof Worker, typeof process, typeof os, typeof std, typeof Deno].join());';
    expect(await output(code)).toBe('undefined,undefined,undefined,undefined,undefined\n');
  });

  test.each([
    [
      'files, /etc/shadow, /proc, device files',
      ['fs', 'node:fs', 'std', '/etc/shadow', 'file:///etc/passwd', './a.js'],
    ],
    ['processes and signals', ['child_process', 'node:child_process', 'os', 'worker_threads']],
    ['sockets and name look-ups', ['net', 'node:net', 'dns', 'http', 'node:dgram']],
  ])('no module brings %s', async (_what, names) => {
    const code = names
      .map((n) => `import('${n}').then(() => console.log('loaded'), () => console.log('refused'));`)
      .join('\n');
    expect(await output(code)).toBe('refused\n'.repeat(names.length));
  });

  test("the host's loopback and any other address", async () => {
    const code = `import('http://127.0.0.1:${port}/a.js').then(() => console.log('loaded'), () => console.log('refused'));`;
    expect(await output(code)).toBe('refused\n');
    expect(reached).toBe(0);
  });

  test.each([
    ['the constructor of a host function', 'console.log.constructor("return typeof process")()'],
    ['the constructor of its constructor', 'console.log.constructor.constructor("return typeof require")()'],
    ['a global of its own making', 'new Function("return typeof globalThis.process")()'],
    ['indirect eval', '(0, eval)("typeof process")'],
    [
      'the prototype chain',
      'typeof Object.getPrototypeOf(console.log).constructor.constructor("return this")().process',
    ],
    ['frames of an error', 'typeof Error.prepareStackTrace'],
    ['caller', '(() => { try { return typeof arguments.callee.caller; } catch { return "undefined"; } })()'],
  ])('no way to the host by %s', async (_name, expression) => {
    expect(await output(`console.log(${expression});`)).toBe('undefined\n');
  });

  test('prototypes changed inside stay inside', async () => {
    const code =
      'Object.prototype.polluted = 1; Array.prototype.at = () => 1; globalThis.leftover = 1; console.log = () => {}; console.log({ __proto__: { polluted: 1 } });';
    expect(await output(code)).toBe('');
  });

  test('what is printed cannot reach the host’s prototypes', async () => {
    const code = `console.log(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')); console.log({ toJSON() { throw new Error('x'); } });`;
    await attack(code);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('another task at the same time', async () => {
    const run = (code: string) =>
      sandbox.run({ language: 'javascript', argv: ['{tool}', 'a.js'], files: { 'a.js': code } });
    const [, other] = await Promise.all([
      run('globalThis.secret = "of one task"; for (let i = 0; i < 1e6; i++);'),
      run('for (let i = 0; i < 1e6; i++); console.log(typeof secret);'),
    ]);
    expect(other.stdout).toBe('undefined\n');
  });

  test('links, archives, a million files, a 200-deep path: its only files are names of scripts', async () => {
    const deep = `${Array(200).fill('d').join('/')}/f.js`;
    const result = await sandbox.run({
      language: 'javascript',
      argv: ['{tool}', deep],
      files: { [deep]: 'console.log("deep")', 'other.js': 'console.log("not asked for")' },
    });
    expect(result.stdout).toBe('deep\n');
    expect(existsSync('d')).toBe(false);
  });

  test('a file name with a newline and escape codes', async () => {
    const name = 'a\n\u001b[31m b.js';
    const result = await sandbox.run({
      language: 'javascript',
      argv: ['{tool}', name],
      files: { [name]: 'throw new Error("at home")' },
    });
    expect(result).toMatchObject({ outcome: { kind: 'ended', exitCode: 1 } });
    expect(result.stderr).toContain('at home');
  });

  test('programs that are not scripts of the request', async () => {
    const run = (argv: string[]) => sandbox.run({ language: 'javascript', argv, files: { 'a.js': '1' } });
    for (const argv of [
      ['/bin/sh', '-c', 'id'],
      ['{tool}', '/etc/passwd'],
      ['{tool}', '../a.js'],
    ])
      expect((await run(argv)).outcome.kind).toBe('not-started');
  });
});
