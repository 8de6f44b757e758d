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
