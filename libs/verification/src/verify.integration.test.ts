import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import type { CheckableTask } from './verdict';
import { verifyAnswer } from './verify';

jest.setTimeout(60_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const verify = (task: CheckableTask, answer: string) =>
  verifyAnswer(task, answer, { sandbox, token: randomUUID });

const python: CheckableTask = {
  prompt:
    'from typing import List\n\ndef total(xs: List[int]) -> int:\n    """Sum.\n    >>> total([1, 2])\n    3\n    """\n',
  language: 'python',
  verification: {
    tests:
      'def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n    assert candidate([]) == 0\n\ncheck(total)',
    entryPoint: 'total',
  },
};

describe('Python answers', () => {
  test.each([
    ['a bare body', '    return sum(xs)\n'],
    ['a body whose first indentation was stripped', 'r = 0\n    for x in xs:\n        r += x\n    return r'],
    ['a body at the margin', 'r = 0\nfor x in xs:\n    r += x\nreturn r'],
    [
      'a whole function that needs the import of the prompt',
      'def total(xs: List[int]) -> int:\n    return sum(xs)',
    ],
    [
      'Markdown with prose',
      'Sure! Here it is:\n\n```python\ndef total(xs):\n    return sum(xs)\n```\n\nIt adds.',
    ],
    ['a fence that never ends', '```python\ndef total(xs):\n    return sum(xs)'],
    [
      'two versions, the later better',
      '```python\ndef total(xs): return 0\n```\nBetter:\n```python\ndef total(xs): return sum(xs)\n```',
    ],
    [
      'prose around',
      'Here is the function you asked for:\n\ndef total(xs):\n    return sum(xs)\n\nThis works because sum adds all numbers.',
    ],
  ])('pass as %s', async (_name, answer) => {
    const verdict = await verify(python, answer);
    expect(verdict).toMatchObject({
      passed: true,
      score: 1,
      conclusive: true,
      sandbox: 'bubblewrap',
      language: 'python',
    });
  });

  test.each([
    ['wrong', 'def total(xs):\n    return 6'],
    ['empty', ''],
    ['cut off', 'def total(xs):\n    return sum('],
    ['raising', 'def total(xs):\n    raise ValueError("no")'],
    ['another function', 'def other(xs):\n    return sum(xs)'],
  ])('fail when %s', async (_name, answer) => {
    const verdict = await verify(python, answer);
    expect(verdict).toMatchObject({ passed: false, conclusive: true });
    expect(verdict.score).toBeLessThan(0.5);
  });

  test('are judged by the examples of the prompt when no tests are given', async () => {
    const task = { ...python, verification: null };
    expect(await verify(task, 'def total(xs):\n    return sum(xs)')).toMatchObject({
      passed: true,
      confidence: 0.8,
    });
    expect(await verify(task, 'def total(xs):\n    return 4')).toMatchObject({
      passed: false,
      conclusive: true,
    });
  });

  test('stay unverified when only their syntax can be checked', async () => {
    const verdict = await verify(
      { prompt: 'Write a script that greets.', language: 'python' },
      'print("hello")',
    );
    expect(verdict).toMatchObject({ passed: false, conclusive: false, confidence: 0.2 });
  });

  test('are refused, not failed, without a sandbox', async () => {
    const verdict = await verifyAnswer(python, 'x', {
      sandbox: null,
      sandboxReason: 'none here',
      token: randomUUID,
    });
    expect(verdict).toMatchObject({ passed: false, conclusive: false, refused: 'none here', sandbox: null });
  });

  test('time out', async () => {
    const task = { ...python, verification: { ...python.verification, timeoutMs: 500 } };
    const verdict = await verify(task, 'def total(xs):\n    while True: pass');
    expect(verdict.signals[0]).toMatchObject({ kind: 'tests', status: 'timed-out', score: 0 });
  });
});

describe('what tests may do with a Python answer', () => {
  test.each([
    [
      'see changed arguments',
      'def sort_it(xs):\n    xs.sort()',
      'a = [2, 1]\nsort_it(a)\nassert a == [1, 2]',
    ],
    ['pass functions', 'def apply(f, x):\n    return f(x)', 'assert apply(lambda v: v + 1, 2) == 3'],
    [
      'use classes',
      'class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n    def pop(self): return self.items.pop()\n    def __len__(self): return len(self.items)\n    def __eq__(self, o): return self.items == o.items',
      's = Stack()\ns.push(3)\nassert len(s) == 1 and isinstance(s, Stack)\nassert s == s and s != Stack()\nassert s.pop() == 3\nassert s == Stack()',
    ],
    [
      'expect errors',
      'class Bad(ValueError): pass\ndef f(x):\n    raise Bad("x", 3)',
      'try:\n    f(1)\n    assert False\nexcept Bad as e:\n    assert e.args == ("x", 3)\ntry:\n    f(1)\nexcept ValueError:\n    pass',
    ],
    [
      'use generators',
      'def gen(n):\n    for i in range(n): yield i',
      'assert list(gen(3)) == [0, 1, 2]\nassert next(gen(1)) == 0',
    ],
    [
      'read globals',
      'LIMIT = 5\ncount = 0\ndef inc():\n    global count\n    count += 1',
      'inc()\nassert count == 1 and LIMIT == 5',
    ],
    [
      'use unittest',
      'def f(x): return x * 2',
      'import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(2), 4)\nunittest.main()',
    ],
    [
      'capture output',
      'def hello(): print("hi")',
      'import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    hello()\nassert b.getvalue() == "hi\\n"',
    ],
    [
      'compare known types',
      'from collections import Counter, namedtuple\nP = namedtuple("P", "x y")\ndef f(): return Counter("aab")\ndef g(): return P(1, 2)',
      'assert f()["a"] == 2\nassert g() == (1, 2) and g().x == 1',
    ],
    [
      'await',
      'import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x',
      'import asyncio\nassert asyncio.run(f(3)) == 3',
    ],
  ])('%s', async (_name, answer, tests) => {
    const verdict = await verify({ prompt: 'Do it.', language: 'python', verification: { tests } }, answer);
    expect(verdict.signals[0]).toMatchObject({ kind: 'tests', status: 'passed' });
  });
});

describe('JavaScript answers', () => {
  const script: CheckableTask = {
    prompt: 'Write a function `total(xs)` that sums numbers. total([1, 2]) returns 3.',
    language: 'javascript',
    verification: {
      tests:
        "const assert = require('node:assert');\nassert.strictEqual(total([1, 2, 3]), 6);\nassert.strictEqual(total([]), 0);",
    },
  };

  test.each([
    ['a function', 'function total(xs) { return xs.reduce((a, b) => a + b, 0); }'],
    ['an arrow function', 'const total = (xs) => xs.reduce((a, b) => a + b, 0);'],
    [
      'Markdown',
      'Here:\n```js\nfunction total(xs) {\n  let s = 0;\n  for (const x of xs) s += x;\n  return s;\n}\n```\nDone.',
    ],
    ['a CommonJS module', 'module.exports = { total: (xs) => xs.reduce((a, b) => a + b, 0) };'],
    ['an ES module', 'export function total(xs) { return xs.reduce((a, b) => a + b, 0); }'],
  ])('pass as %s', async (_name, answer) => {
    expect(await verify(script, answer)).toMatchObject({ passed: true, score: 1, language: 'javascript' });
  });

  test.each([
    ['wrong', 'function total(xs) { return 6; }'],
    ['empty', ''],
    ['cut off', 'function total(xs) { return xs.'],
    ['throwing', 'function total(xs) { throw new Error("no"); }'],
    ['exiting', 'function total(xs) { process.exit(0); }'],
  ])('fail when %s', async (_name, answer) => {
    const verdict = await verify(script, answer);
    expect(verdict).toMatchObject({ passed: false, conclusive: true });
    expect(verdict.score).toBeLessThan(0.5);
  });

  test.each([
    [
      'see changed arguments',
      'function sortIt(xs) { xs.sort(); return xs; }',
      'const a = [2, 1]; assert.strictEqual(sortIt(a), a); assert.deepStrictEqual(a, [1, 2]);',
    ],
    ['pass functions', 'const apply = (f, x) => f(x);', 'assert.strictEqual(apply((v) => v + 1, 2), 3);'],
    [
      'use classes',
      'class Stack { #items = []; push(x) { this.#items.push(x); return this; } pop() { return this.#items.pop(); } get size() { return this.#items.length; } static of(x) { return new Stack().push(x); } }',
      'const s = new Stack(); s.push(3); assert.strictEqual(s.size, 1); assert.ok(s instanceof Stack); assert.strictEqual(s.pop(), 3); assert.strictEqual(Stack.of(1).size, 1);',
    ],
    [
      'expect errors',
      'class Bad extends Error {}\nfunction f() { throw new Bad("no"); }\nfunction g() { throw new TypeError("t"); }',
      'assert.throws(() => f(), Bad); assert.throws(() => g(), TypeError); assert.throws(f, { message: "no" });',
    ],
    [
      'await',
      'const later = (x) => new Promise((r) => setTimeout(() => r(x), 5));',
      'assert.strictEqual(await later(3), 3); assert.deepStrictEqual(await Promise.all([later(1), later(2)]), [1, 2]);',
    ],
    [
      'expect rejections',
      'async function f() { throw new RangeError("r"); }',
      'await assert.rejects(() => f(), RangeError);',
    ],
    [
      'pass callbacks that come later',
      'function debounce(f, ms) { let t; return (...a) => { clearTimeout(t); t = setTimeout(() => f(...a), ms); }; }',
      'let n = 0; const d = debounce(() => n++, 5); d(); d(); await new Promise((r) => setTimeout(r, 60)); assert.strictEqual(n, 1);',
    ],
    [
      'pass async functions',
      'async function retry(f, n) { for (;;) try { return await f(); } catch (e) { if (--n <= 0) throw e; } }',
      'let n = 0; assert.strictEqual(await retry(async () => { if (++n < 3) throw new Error("x"); return n; }, 5), 3);',
    ],
    [
      'iterate',
      'function* gen(n) { for (let i = 0; i < n; i++) yield i; }',
      'assert.deepStrictEqual([...gen(3)], [0, 1, 2]);',
    ],
    [
      'compare data',
      'const f = () => ({ a: [1, { b: null }], m: new Map([[1, 2]]), d: new Date(5), u: undefined });',
      'assert.deepStrictEqual(f(), { a: [1, { b: null }], m: new Map([[1, 2]]), d: new Date(5), u: undefined });',
    ],
    [
      'hold state',
      'let n = 0;\nfunction inc() { return ++n; }\nfunction counter() { let c = 0; return { inc: () => ++c, get value() { return c; } }; }',
      'inc(); assert.strictEqual(n, 1); const c = counter(); c.inc(); c.inc(); assert.strictEqual(c.value, 2);',
    ],
    [
      'use node:test',
      'const f = (x) => x * 2;',
      "const t = require('node:test'); t('doubles', () => assert.strictEqual(f(2), 4));",
    ],
  ])('let tests %s', async (_name, answer, tests) => {
    const task = {
      prompt: 'Do it.',
      language: 'javascript',
      verification: { tests: `const assert = require('assert');\n${tests}` },
    };
    const verdict = await verify(task, answer);
    expect(verdict.signals[0]).toMatchObject({ kind: 'tests', status: 'passed' });
  });

  test('fail when node:test fails', async () => {
    const tests = "const t = require('node:test'); t('no', () => require('assert').strictEqual(f(2), 5));";
    const verdict = await verify(
      { prompt: 'Do it.', language: 'javascript', verification: { tests } },
      'const f = (x) => x * 2;',
    );
    expect(verdict.passed).toBe(false);
  });
});
