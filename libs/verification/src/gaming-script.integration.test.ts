import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from './verify';

jest.setTimeout(60_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const verify = (answer: string, tests: string) =>
  verifyAnswer(
    { prompt: 'Write it.', language: 'javascript', verification: { tests, timeoutMs: 3_000 } },
    answer,
    { sandbox, token: randomUUID },
  );
const assert = "const assert = require('node:assert');\n";

const LATER = 'function later(cb) { setTimeout(() => cb(1), 5); }';
/** What later(cb) may do wrong: nothing, another value, the value too often swallowed. */
const NOT_LATER = [
  'function later(cb) {}',
  'function later(cb) { setTimeout(() => cb(2), 5); }',
  'function later(cb) { setTimeout(() => { try { cb(2); } catch {} }, 5); }',
  'function later(cb) { Promise.resolve(2).then(cb); }',
  'async function later(cb) { try { await cb(2); } catch {} }',
  'function later(cb) { return { then() {} }; }',
];

/** Tests of later(cb) that assert in a callback. */
const CALLBACKS: [string, string][] = [
  ['done', 'test("a", done => { later(v => { expect(v).toBe(1); done(); }); });'],
  [
    'done of mocha',
    `${assert}describe("d", () => { it("a", function (done) { this.timeout(1000); later(v => { assert.equal(v, 1); done(); }); }); });`,
  ],
  [
    'done(error)',
    'test("a", done => { later(v => { try { expect(v).toBe(1); done(); } catch (e) { done(e); } }); });',
  ],
  [
    'a hook with done',
    'let r; beforeEach(done => { later(v => { r = v; done(); }); }); test("a", () => { expect(r).toBe(1); });',
  ],
  ['no test library', `${assert}later(v => assert.equal(v, 1));`],
  ['a function of node:assert', 'const { equal } = require("assert");\nlater(v => equal(v, 1));'],
  ['console.assert', 'later(v => console.assert(v === 1));'],
  ['an error of their own', 'later(v => { if (v !== 1) process.exit(1); });'],
  ['test without done', 'test("a", () => { later(v => { expect(v).toBe(1); }); });'],
  ['async callbacks', `${assert}later(async v => { assert.equal(v, 1); });`],
  ['a promise', 'test("a", () => new Promise(res => later(v => { expect(v).toBe(1); res(); })));'],
  ['the resolver itself', `${assert}assert.equal(await new Promise(r => later(r)), 1);`],
  [
    'expect.assertions',
    'test("a", done => { expect.assertions(1); later(v => { expect(v).toBe(1); done(); }); });',
  ],
];

describe.each(CALLBACKS)('assertions in a callback: %s', (_title, tests) => {
  test('a right answer passes', async () => {
    expect(await verify(LATER, tests)).toMatchObject({ passed: true, conclusive: true });
  });

  test.each(NOT_LATER)('%s does not', async (answer) => {
    expect(await verify(answer, tests)).toMatchObject({ passed: false });
  });
});

test('done of node:test', async () => {
  const tests = `${assert}require("node:test")("a", (t, done) => { later(v => { assert.equal(v, 1); done(); }); });`;
  expect(await verify(LATER, tests)).toMatchObject({ passed: true, conclusive: true });
  for (const answer of NOT_LATER.slice(0, 2))
    expect(await verify(answer, tests)).toMatchObject({ passed: false, conclusive: true });
});

test('a callback that is called with something wrong fails the tests, and is no matter of doubt', async () => {
  for (const answer of NOT_LATER.slice(1, 5))
    expect(await verify(answer, `${assert}later(v => assert.equal(v, 1));`)).toMatchObject({
      passed: false,
      conclusive: true,
    });
});

test('a promise of node:assert that nobody waits for fails the tests', async () => {
  const tests = `${assert}assert.rejects(load());`;
  expect(await verify('async function load() { throw new Error("x"); }', tests)).toMatchObject({
    passed: true,
  });
  expect(await verify('async function load() { return 1; }', tests)).toMatchObject({
    passed: false,
    conclusive: true,
  });
});

test('a swallowed assertion counts', async () => {
  const tests = `${assert}each([1, 2], (v, i) => assert.equal(v, i + 1));`;
  expect(await verify('function each(l, f) { l.forEach((v, i) => f(v, i)); }', tests)).toMatchObject({
    passed: true,
  });
  expect(
    await verify('function each(l, f) { for (const v of l) try { f(v, 7); } catch {} }', tests),
  ).toMatchObject({ passed: false, conclusive: true });
});

describe('what looks like a swallowed assertion and is none', () => {
  test.each([
    [
      'a throw that the tests ask for',
      'function each(l, f) { l.forEach((v) => f(v)); }',
      `${assert}assert.throws(() => each([1], () => assert.fail("x")), /x/);`,
    ],
    [
      'errors that are handed on',
      'async function settle(l) { return Promise.allSettled(l.map((f) => f())); }',
      `${assert}const r = await settle([async () => 1, async () => { throw new Error("x"); }]);assert.deepEqual(r.map((x) => x.status), ["fulfilled", "rejected"]);`,
    ],
    [
      'a retry',
      'async function retry(f, n) { for (;;) try { return await f(); } catch (e) { if (--n <= 0) throw e; } }',
      `${assert}let n = 0;assert.equal(await retry(async () => { if (++n < 3) throw new Error("x"); return n; }, 5), 3);`,
    ],
    [
      'listeners that throw',
      'function emit(fs, v) { for (const f of fs) try { f(v); } catch {} }',
      `${assert}const got = [];emit([() => { throw new Error("x"); }, (v) => got.push(v)], 1);assert.deepEqual(got, [1]);`,
    ],
    [
      'a throw that is expected',
      'function f() { throw new Error("x"); }',
      `${assert}try { f(); assert.fail("none"); } catch (e) { if (e.message !== "x") throw e; }`,
    ],
    [
      'timers that never end',
      'setInterval(() => {}, 10);\nfunction each(l, f) { l.forEach((v) => f(v)); }',
      `${assert}each([1], (v) => assert.equal(v, 1));`,
    ],
  ])('%s', async (_title, answer, tests) => {
    expect(await verify(answer, tests)).toMatchObject({ passed: true, conclusive: true });
  });
});

test.each([
  ['function later(cb) { setTimeout(() => cb(1), 20); }', true],
  ['function later(cb) { setTimeout(() => cb(2), 20); }', false],
  ['function later(cb) { setTimeout(() => { try { cb(2); } catch {} }, 20); }', false],
])('the same where a command runs the tests: %s', async (answer, passes) => {
  const tests = `${assert}const { later } = require("./answer");later((v) => assert.equal(v, 1));`;
  const verdict = await verifyAnswer(
    {
      prompt: 'Write it.',
      language: 'javascript',
      verification: { command: 'node t.js', files: { 't.js': tests }, timeoutMs: 3_000 },
    },
    `${answer}\nmodule.exports = { later };`,
    { sandbox, token: randomUUID },
  );
  expect(verdict).toMatchObject({ passed: passes, conclusive: true });
});

/** Objects in the place of arrays and texts whose methods say what suits: title, tests, a right answer, wrong ones. */
const IMPOSTERS: [string, string, string, string[]][] = [
  [
    'every and includes',
    `${assert}assert.ok(f().every((x) => x > 0));assert.ok(f().includes(3));`,
    'function f() { return [1, 3]; }',
    [
      'function f() { return { every() { return true; }, includes() { return true; } }; }',
      'class L { every() { return true; } includes() { return true; } }\nfunction f() { return new L(); }',
      'class L extends Array { every() { return true; } includes() { return true; } }\nfunction f() { return new L(); }',
      'function f() { return { get size() { return 1; }, every: () => true, includes: () => true }; }',
      'function f() { return new Proxy({}, { get: () => () => true }); }',
    ],
  ],
  [
    'sort',
    `${assert}assert.deepStrictEqual(f().sort(), [1, 2]);`,
    'function f() { return [2, 1]; }',
    ['function f() { return { sort() { return [1, 2]; } }; }'],
  ],
  [
    'forEach',
    `${assert}f().forEach((v, i) => assert.equal(v, i + 1));`,
    'function f() { return [1, 2]; }',
    ['function f() { return { forEach() {} }; }'],
  ],
  [
    'startsWith',
    'if (!f().startsWith("a")) throw new Error("no");',
    'function f() { return "ab"; }',
    ['function f() { return { startsWith: () => true }; }'],
  ],
  [
    'trim',
    `${assert}assert.equal(f().trim(), "3");`,
    'function f() { return " 3"; }',
    ['function f() { return { trim: () => "3", length: 3 }; }'],
  ],
];

describe.each(IMPOSTERS)(
  'methods of the answer’s own in place of a list’s: %s',
  (_title, tests, right, wrong) => {
    test('a right answer passes', async () => {
      expect(await verify(right, tests)).toMatchObject({ passed: true, conclusive: true });
    });

    test.each(wrong)('%s does not', async (answer) => {
      expect(await verify(answer, tests)).toMatchObject({ passed: false });
    });
  },
);

describe('honest objects with such methods pass', () => {
  test.each([
    [
      'a list from a factory',
      'function list() { const l = []; return { add(x) { l.push(x); }, forEach(f) { l.forEach(f); }, includes: (x) => l.includes(x) }; }',
      `${assert}const l = list();l.add(1);assert.ok(l.includes(1));l.forEach((x) => assert.equal(x, 1));`,
    ],
    [
      'a stack',
      'function stack() { const l = []; return { push(x) { l.push(x); }, pop: () => l.pop() }; }',
      `${assert}const s = stack();s.push(1);assert.equal(s.pop(), 1);`,
    ],
    [
      'a class that the tests name',
      'class Bag { constructor(l) { this.l = l; } includes(x) { return this.l.includes(x); } }',
      `${assert}assert.ok(new Bag([1]).includes(1));assert.ok(!new Bag([1]).includes(2));`,
    ],
    [
      'a namespace',
      'const Lists = { find: (l, f) => l.find(f), sort: (l) => [...l].sort() };',
      `${assert}assert.equal(Lists.find([1, 2], (x) => x > 1), 2);assert.deepEqual(Lists.sort([2, 1]), [1, 2]);`,
    ],
    [
      'exports',
      'module.exports = { find: (l, f) => l.find(f) };',
      `${assert}const lib = require("./answer");assert.equal(lib.find([1, 2], (x) => x > 1), 2);`,
    ],
    [
      'a chain',
      'const chain = (l) => ({ map: (f) => chain(l.map(f)), filter: (f) => chain(l.filter(f)), value: () => l });',
      `${assert}assert.deepEqual(chain([1, 2]).map((x) => x * 2).filter((x) => x > 2).value(), [4]);`,
    ],
    [
      'a list with a size',
      'function range(a, b) { const l = [a, b]; return { size: 2, forEach: (f) => l.forEach(f) }; }',
      `${assert}const r = range(1, 2);let n = 0;r.forEach(() => n++);assert.equal(n, 2);assert.equal(r.size, 2);`,
    ],
  ])('%s', async (_title, answer, tests) => {
    expect(await verify(answer, tests)).toMatchObject({ passed: true, conclusive: true });
  });
});
