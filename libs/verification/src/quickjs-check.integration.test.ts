import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { randomUUID } from 'node:crypto';
import { verifyAnswer } from './verify';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'quickjs' });
});
afterAll(() => sandbox.close());

const SAME = `function same(got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error('got ' + JSON.stringify(got));
}
`;
const check = (answer: string, tests: string, timeoutMs = 3_000) =>
  verifyAnswer(
    { prompt: 'Write it.', language: 'javascript', verification: { tests: SAME + tests, timeoutMs } },
    `\`\`\`javascript\n${answer}\n\`\`\``,
    { sandbox, token: randomUUID },
  );

describe('JavaScript where QuickJS is the only sandbox', () => {
  test('a right answer passes, a wrong one fails, with the reason', async () => {
    const tests = 'same(add(1, 2), 3);';
    expect(await check('function add(a, b) { return a + b; }', tests)).toMatchObject({
      passed: true,
      score: 1,
      sandbox: 'quickjs',
    });
    const wrong = await check('function add(a, b) { return a - b; }', tests);
    expect(wrong).toMatchObject({ passed: false, conclusive: true });
    expect(JSON.stringify(wrong.signals)).toContain('got -1');
  });

  test.each([
    [
      'an own name in a class that extends Error',
      'class E extends Error { constructor(m) { super(m); this.name = "E"; } }\nconst f = () => new E("x").name;',
      'same(f(), "E");',
    ],
    [
      'an own toString on a prototype',
      'function P() {}\nP.prototype.toString = function () { return "p"; };\nconst f = () => String(new P());',
      'same(f(), "p");',
    ],
    [
      'changing its argument in place',
      'function sort(l) { l.sort((a, b) => a - b); }',
      'const l = [3, 1, 2]; sort(l); same(l, [1, 2, 3]);',
    ],
    [
      'generators, maps, closures',
      'function* g() { yield 1; yield* new Map([[2, 3]]).keys(); }',
      'same([...g()], [1, 2]);',
    ],
    [
      'the same names as the tests',
      'const cases = 1; function f() { return cases; }',
      'const cases = [1]; same(f(), cases[0]);',
    ],
  ])('allows %s', async (_what, answer, tests) => {
    expect(await check(answer, tests)).toMatchObject({ passed: true });
  });

  test.each([
    ['patching JSON.stringify', 'JSON.stringify = () => "x"; function add() { return 0; }'],
    ['replacing JSON', 'globalThis.JSON = { stringify: () => "x" }; function add() { return 0; }'],
    ['a JSON of its own', 'var JSON = { stringify: () => "x" }; function add() { return 0; }'],
    [
      'defining JSON',
      'Object.defineProperty(globalThis, "JSON", { value: { stringify: () => 1 } }); function add() { return 0; }',
    ],
    ['patching Error', 'Error = function () {}; function add() { return 0; }'],
    ['toJSON on a prototype', 'Number.prototype.toJSON = () => 3; function add() { return 0; }'],
    ['replacing the tests’ helper', 'globalThis.same = () => {}; function add() { return 0; }'],
    ['ending early', 'try { std.exit(0); } catch {} function add() { return 0; }'],
    ['a loop', 'while (true) {}'],
    ['all memory', 'const a = []; for (;;) a.push("x".repeat(1e6) + a.length); function add() {}'],
  ])('%s does not pass', async (_what, answer) => {
    expect(await check(answer, 'same(add(1, 2), 3);', 1_500)).toMatchObject({ passed: false });
  });
});
