import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { randomUUID } from 'node:crypto';
import { verifyAnswer } from './verify';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const RIGHT = {
  python: 'def add(a, b):\n    return a + b\n',
  javascript: 'function add(a, b) { return a + b; }\n',
};
const WRONG = {
  python: 'def add(a, b):\n    return a - b\n',
  javascript: 'function add(a, b) { return a - b; }\n',
};
type Language = keyof typeof RIGHT;

const check = (language: Language, answer: string, tests: string, entryPoint?: string) =>
  verifyAnswer({ prompt: 'Write add(a, b).', language, verification: { tests, entryPoint } }, answer, {
    sandbox,
    token: randomUUID,
  });

/** Ways in which people write tests; each must tell the right answer from the wrong one. */
const STYLES: [string, Language, string, string?][] = [
  ['bare asserts', 'python', 'assert add(1, 2) == 3'],
  ['a test function that nobody calls', 'python', 'def test_add():\n    assert add(1, 2) == 3'],
  ['an async test function', 'python', 'async def test_add():\n    assert add(1, 2) == 3'],
  ['a test class', 'python', 'class TestAdd:\n    def test_it(self):\n        assert add(1, 2) == 3'],
  [
    'a unittest case without main',
    'python',
    'import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(add(1, 2), 3)',
  ],
  [
    'a unittest case with main',
    'python',
    'import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(add(1, 2), 3)\nif __name__ == "__main__":\n    unittest.main()',
  ],
  [
    'check(candidate) with an entry point',
    'python',
    'def check(candidate):\n    assert candidate(1, 2) == 3',
    'add',
  ],
  ['check(candidate) without one', 'python', 'def check(candidate):\n    assert candidate(1, 2) == 3'],
  [
    'a main block of their own',
    'python',
    'def run():\n    assert add(1, 2) == 3\nif __name__ == "__main__":\n    run()',
  ],
  ['an import of the solution', 'python', 'from solution import add\nassert add(1, 2) == 3'],
  ['throwing', 'javascript', 'if (add(1, 2) !== 3) throw new Error("no");'],
  ['console.assert', 'javascript', 'console.assert(add(1, 2) === 3);'],
  ['test and expect', 'javascript', 'test("adds", () => { expect(add(1, 2)).toBe(3); });'],
  [
    'describe, it, not',
    'javascript',
    'describe("add", () => { it("adds", async () => { expect([add(1, 2)]).toEqual([3]); expect(add(1, 2)).not.toBe(-1); }); });',
  ],
  ['node:assert', 'javascript', 'const assert = require("node:assert"); assert.strictEqual(add(1, 2), 3);'],
  [
    'require of the solution',
    'javascript',
    'const { add: f } = require("./solution"); if (f(1, 2) !== 3) throw new Error("no");',
  ],
];

describe.each(STYLES)('tests written as %s (%s)', (_style, language, tests, entryPoint) => {
  test('pass the right answer', async () => {
    const source = tests.includes('require("./solution")')
      ? `${RIGHT[language]}module.exports = { add };`
      : RIGHT[language];
    expect(await check(language, source, tests, entryPoint)).toMatchObject({
      passed: true,
      conclusive: true,
    });
  });

  test('fail the wrong one', async () => {
    const source = tests.includes('require("./solution")')
      ? `${WRONG[language]}module.exports = { add };`
      : WRONG[language];
    expect(await check(language, source, tests, entryPoint)).toMatchObject({
      passed: false,
      conclusive: true,
    });
  });
});

describe('tests that say nothing about the answer leave it unverified, with the reason', () => {
  test.each([
    ['only a comment', 'python', '# nothing', /checked nothing/],
    ['nothing of the answer', 'python', 'assert 1 + 1 == 2', /checked nothing/],
    ['a syntax error', 'python', 'assert add(1, 2) == 3 and (', /do not parse/],
    ['a missing module', 'python', 'import nonexistent_module_xyz\nassert add(1, 2) == 3', /do not run/],
    ['fixtures', 'python', 'def test_add(tmp_path):\n    assert add(1, 2) == 3', /fixtures/],
    ['only a comment', 'javascript', '// nothing', /checked nothing/],
    ['a syntax error', 'javascript', 'if (add(1, 2) !== 3) {', /do not parse/],
    ['a missing module', 'javascript', 'require("nonexistent-module-xyz");', /do not run/],
  ] as [string, Language, string, RegExp][])('%s (%s)', async (_what, language, tests, reason) => {
    const verdict = await check(language, RIGHT[language], tests);
    expect(verdict).toMatchObject({ passed: false, conclusive: false });
    expect(JSON.stringify(verdict.signals)).toMatch(reason);
  });
});

describe('an answer cannot make its tests look broken', () => {
  test.each([
    ['python', 'def add(a, b):\n    import nonexistent_module_xyz\n', 'assert add(1, 2) == 3'],
    [
      'python',
      'def add(a, b):\n    raise ModuleNotFoundError("x")\n',
      'def test_add():\n    assert add(1, 2) == 3',
    ],
    [
      'javascript',
      'function add() { const e = new Error("x"); e.code = "MODULE_NOT_FOUND"; throw e; }',
      'if (add(1, 2) !== 3) throw new Error("no");',
    ],
  ] as [Language, string, string][])('%s: %s', async (language, answer, tests) => {
    expect(await check(language, answer, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});
