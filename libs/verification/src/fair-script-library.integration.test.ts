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
  verifyAnswer({ prompt: 'Write it.', language: 'javascript', verification: { tests } }, answer, {
    sandbox,
    token: randomUUID,
  });

const ADD = 'function add(a, b) { return a + b; }';
const SUB = 'function add(a, b) { return a - b; }';
const USER = 'function user(id) { return { id, name: "n" + id, tags: ["a", "b"], at: undefined }; }';
const NO_USER = 'function user(id) { return { id: String(id), name: "n", tags: ["a"], more: 1 }; }';

/** What tests use of Jest, Vitest and Mocha: title, tests, a right answer, a wrong one. */
const CASES: [string, string, string, string][] = [
  [
    'test.each of rows',
    'test.each([[1, 2, 3], [4, 5, 9]])("%i", (a, b, c) => { expect(add(a, b)).toBe(c); });',
    ADD,
    SUB,
  ],
  [
    'test.each of a table',
    'test.each`a | b | sum\n${1} | ${2} | ${3}\n${4} | ${5} | ${9}`("$a", ({ a, b, sum }) => { expect(add(a, b)).toBe(sum); });',
    ADD,
    SUB,
  ],
  [
    'describe.each',
    'describe.each([[1, 2, 3], [4, 5, 9]])("%i", (a, b, c) => { it("x", () => { expect(add(a, b)).toBe(c); }); });',
    ADD,
    SUB,
  ],
  [
    'only',
    'it("not run", () => { expect(add(1, 1)).toBe(7); }); it.only("run", () => { expect(add(1, 2)).toBe(3); });',
    ADD,
    SUB,
  ],
  [
    'describe.only',
    'it("not run", () => { expect(add(1, 1)).toBe(7); }); describe.only("d", () => { it("run", () => { expect(add(1, 2)).toBe(3); }); });',
    ADD,
    SUB,
  ],
  [
    'asymmetric values',
    'test("a", () => { expect(user(1)).toEqual({ id: expect.any(Number), name: expect.stringMatching(/^n\\d$/), tags: expect.arrayContaining(["b"]) }); expect(user(1)).toEqual(expect.objectContaining({ id: 1 })); expect([user(2)]).toEqual([expect.anything()]); expect(user(1).name).toEqual(expect.stringContaining("1")); });',
    USER,
    NO_USER,
  ],
  [
    'toEqual and toMatchObject with them',
    'test("a", () => { expect(user(1)).toMatchObject({ id: expect.any(Number), tags: ["a", "b"] }); expect(user(1)).not.toEqual(expect.objectContaining({ id: 2 })); });',
    USER,
    NO_USER,
  ],
  [
    'toEqual with an instance',
    'test("a", () => { expect(new P(1, 2)).toEqual({ x: 1, y: 2 }); expect(new P(1, 2)).not.toEqual({ x: 1 }); expect(new P(1, 2)).not.toStrictEqual({ x: 1, y: 2 }); });',
    'class P { constructor(x, y) { this.x = x; this.y = y; } }',
    'class P { constructor(x, y) { this.x = y; this.y = x; } }',
  ],
  [
    'toHaveProperty with a value',
    'test("a", () => { expect(user(1)).toHaveProperty("id", 1); expect(user(1)).toHaveProperty("tags.1", "b"); });',
    USER,
    'function user(id) { return { id: 2, tags: ["a", "c"] }; }',
  ],
  [
    'mocks called with them',
    'test("a", () => { const f = jest.fn(); add2(f); expect(f).toHaveBeenCalledWith(expect.any(Number), "x"); });',
    'function add2(f) { f(1, "x"); }',
    'function add2(f) { f("1", "x"); }',
  ],
  [
    'expect.hasAssertions',
    'test("a", () => { expect.hasAssertions(); run(() => { expect(1).toBe(1); }); });',
    'function run(f) { f(); }',
    'function run(f) {}',
  ],
  [
    'rejects.not and resolves',
    'test("a", async () => { await expect(load(true)).resolves.not.toBe(2); await expect(load(false)).rejects.toThrow("no"); });',
    'async function load(ok) { if (!ok) throw new Error("no"); return 1; }',
    'async function load(ok) { return 2; }',
  ],
  [
    'hooks of each suite',
    'let n = 0; beforeAll(() => { n = 10; }); describe("d", () => { beforeEach(() => { n++; }); it("a", () => { expect(add(n, 0)).toBe(11); }); }); it("b", () => { expect(add(n, 1)).toBe(12); }); afterEach(() => { expect(add(0, 0)).toBe(0); });',
    ADD,
    SUB,
  ],
  [
    'length and name of functions',
    'test("a", () => { expect(curry((a, b, c) => a + b + c)(1)(2)(3)).toBe(6); expect(nameOf(function shout() {})).toBe("shout"); });',
    'function curry(f) { return function g(...a) { return a.length >= f.length ? f(...a) : (...b) => g(...a, ...b); }; }\nfunction nameOf(f) { return f.name; }',
    'function curry(f) { return f; }\nfunction nameOf(f) { return "f"; }',
  ],
  [
    'the resolver of a promise and promisify',
    'test("a", async () => { expect(await new Promise((r) => later(1, r))).toBe(null); expect(await require("node:util").promisify(later)(1)).toBe(2); });',
    'function later(x, cb) { setTimeout(() => cb(null, x + 1), 5); }',
    'function later(x, cb) { setTimeout(() => cb(null, x), 5); }',
  ],
];

describe.each(CASES)('%s', (_title, tests, right, wrong) => {
  test('a right answer passes', async () => {
    expect(await verify(right, tests)).toMatchObject({ passed: true, conclusive: true });
  });

  test('a wrong one fails', async () => {
    expect(await verify(wrong, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});

test.each([
  [
    'a matcher',
    'test("a", () => { expect(add(1, 2)).toMatchInlineSnapshot(`3`); });',
    /toMatchInlineSnapshot/,
  ],
  ['a matcher after not', 'test("a", () => { expect(add(1, 2)).not.toBeOdd(); });', /toBeOdd/],
  ['expect.extend', 'expect.extend({}); test("a", () => { expect(add(1, 2)).toBe(3); });', /expect\.extend/],
  ['a kind of test', 'test.failing("a", () => { expect(add(1, 2)).toBe(4); });', /test\.failing/],
  ['a tool', 'test("a", () => { vi.stubGlobal("x", 1); expect(add(1, 2)).toBe(3); });', /stubGlobal/],
])('what is not here (%s) leaves an answer unverified', async (_title, tests, reason) => {
  for (const answer of [ADD, SUB]) {
    const verdict = await verify(answer, tests);
    expect(verdict).toMatchObject({ passed: false, conclusive: false });
    expect(JSON.stringify(verdict.signals)).toMatch(reason);
  }
});
