import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox, SandboxLanguage } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from './verify';

jest.setTimeout(240_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const CASES: Record<
  Exclude<SandboxLanguage, 'python' | 'javascript'>,
  { right: string; wrong: string; broken: string; tests: string }
> = {
  typescript: {
    right:
      'export function area(w: number, h: number): number { return w * h; }\ninterface Unused { x: string }',
    wrong: 'export function area(w: number, h: number): number { return w + h; }',
    broken: 'export function area(w: number',
    tests: "import assert from 'node:assert';\nconst a: number = area(3, 4);\nassert.strictEqual(a, 12);",
  },
  bash: {
    right: 'area() { echo $(( $1 * $2 )); }',
    wrong: 'area() { echo $(( $1 + $2 )); }',
    broken: 'area() { echo $((',
    tests: '[ "$(area 3 4)" = 12 ]',
  },
  cpp: {
    right: 'int area(int w, int h) { return w * h; }',
    wrong: 'int area(int w, int h) { return w + h; }',
    broken: 'int area(int w, int h) { return',
    tests: 'int main() { return area(3, 4) == 12 ? 0 : 1; }',
  },
  rust: {
    right: 'fn area(w: i32, h: i32) -> i32 { w * h }',
    wrong: 'fn area(w: i32, h: i32) -> i32 { w + h }',
    broken: 'fn area(w: i32, h: i32) -> i32 { w * ',
    tests: 'fn main() { assert_eq!(area(3, 4), 12); }',
  },
  go: {
    right: 'package main\nfunc area(w, h int) int { return w * h }',
    wrong: 'package main\nfunc area(w, h int) int { return w + h }',
    broken: 'package main\nfunc area(w, h int) int {',
    tests: 'func main() { if area(3, 4) != 12 { panic("no") } }',
  },
  java: {
    right: 'import java.util.*;\npublic class Area { static int area(int w, int h) { return w * h; } }',
    wrong: 'public class Area { static int area(int w, int h) { return w + h; } }',
    broken: 'public class Area { static int area(int w',
    tests:
      'class Main { public static void main(String[] a) { if (Area.area(3, 4) != 12) throw new AssertionError(); } }',
  },
};

test.each(Object.keys(CASES) as (keyof typeof CASES)[])('%s', async (language) => {
  const { right, wrong, broken, tests } = CASES[language];
  const check = (answer: string) =>
    verifyAnswer(
      { prompt: 'Write area.', language, verification: { tests, timeoutMs: 20_000 } },
      `Here:\n\`\`\`${language}\n${answer}\n\`\`\`\n`,
      { sandbox, token: randomUUID },
    );
  if (!sandbox.languages.has(language)) {
    process.stdout.write(`No toolchain for ${language} here: answers are left unverified.\n`);
    expect(await check(right)).toMatchObject({
      conclusive: false,
      refused: expect.stringContaining('no toolchain'),
    });
    return;
  }
  expect(await check(right)).toMatchObject({ passed: true, conclusive: true, language });
  expect(await check(wrong)).toMatchObject({ passed: false, conclusive: true });
  const verdict = await check(broken);
  expect(verdict.passed).toBe(false);
  expect(verdict.signals.find((s) => s.kind === 'syntax')).toMatchObject({ status: 'failed' });
});

/** Answers that bring a `main`, and answers that reach for the tests' tools: title, language, tests, answer, whether it passes. */
const NATIVE: [string, keyof typeof CASES, string, string, boolean][] = [
  [
    'a demo main',
    'cpp',
    '#include <cassert>\nint main() { assert(area(3, 4) == 12); }',
    '#include <cstdio>\nint area(int w, int h) { return w * h; }\nint main() { std::printf("%d", area(1, 2)); return 3; }',
    true,
  ],
  [
    'NDEBUG',
    'cpp',
    'int main() { assert(area(3, 4) == 12); }',
    '#define NDEBUG\n#include <cassert>\nint area(int w, int h) { return w + h; }',
    false,
  ],
  [
    'an assert of its own',
    'cpp',
    '#include <cassert>\nint main() { assert(area(3, 4) == 12); }',
    '#include <cassert>\n#undef assert\n#define assert(x)\nint area(int w, int h) { return w + h; }',
    false,
  ],
  [
    'a demo main',
    'rust',
    'fn main() { assert_eq!(area(3, 4), 12); }',
    'fn area(w: i32, h: i32) -> i32 { w * h }\nfn main() { println!("{}", area(1, 2)); }',
    true,
  ],
  [
    'assert',
    'java',
    'class Main { public static void main(String[] a) { assert Area.area(3, 4) == 12; } }',
    'public class Area { static int area(int w, int h) { return w + h; } }',
    false,
  ],
  [
    'a demo main that comes first',
    'java',
    'class Main { public static void main(String[] a) { assert Area.area(3, 4) == 12; } }',
    'public class Area { static int area(int w, int h) { return w + h; } public static void main(String[] a) {} }',
    false,
  ],
  ['a [ of its own', 'bash', '[ "$(area 3 4)" = 12 ]', '[() { return 0; }\narea() { echo 1; }', false],
  [
    'a trap, an alias and an unset of its own',
    'bash',
    '[ "$(area 3 4)" = 12 ] || exit 1',
    'trap "exit 0" EXIT\nunset() { :; }\nexit() { builtin exit 0; }\nshopt -s expand_aliases\nalias unset=true\narea() { echo 1; }',
    false,
  ],
];

test.each(NATIVE)('%s (%s)', async (_title, language, tests, answer, passes) => {
  if (!sandbox.languages.has(language)) return;
  const verdict = await verifyAnswer(
    { prompt: 'Write area.', language, verification: { tests, timeoutMs: 20_000 } },
    answer,
    { sandbox, token: randomUUID },
  );
  expect(verdict).toMatchObject({ passed: passes, conclusive: true });
});
