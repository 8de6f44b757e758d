import { describe, expect, test } from '@jest/globals';
import { CHECKED_LANGUAGES, type CheckedLanguage } from '@acrouter/domain/verification/languages';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grammarFinding } from './grammar';
import { verifyAnswer } from './verify';

const RIGHT: Record<CheckedLanguage, string> = {
  python: 'def f(x):\n    return [y for y in x if (n := y) > 1]\n',
  javascript: 'export const f = async ({ a, ...rest }) => a?.b ?? rest;\n',
  typescript: 'interface A<T> { readonly x: T }\nconst f = (a: A<number>): number => a.x satisfies number;\n',
  bash: 'f() { local x=$1; [[ $x -gt 1 ]] && echo "$((x + 1))"; }\n',
  go: 'package main\n\nfunc F[T any](xs []T) int { return len(xs) }\n',
  java: 'record P(int x) {}\nclass A { int f(P p) { return switch (p.x()) { case 1 -> 2; default -> 3; }; } }\n',
  rust: 'fn f<T: Copy>(xs: &[T]) -> Option<T> { let Some(x) = xs.first() else { return None }; Some(*x) }\n',
  cpp: '#include <vector>\ntemplate <typename T> auto f(const std::vector<T>& v) { return [&] { return v.size(); }(); }\n',
};
const WRONG: Record<CheckedLanguage, string> = {
  python: 'def f(x:\n    return x\n',
  javascript: 'const f = (a => { return a;\n',
  typescript: 'function f(a: number { return a }\n',
  bash: 'if [ 1 ]; then echo x\n',
  go: 'package main\n\nfunc F( { return }\n',
  java: 'class A { int f( { return 1; } }\n',
  rust: 'fn f(x: i32 -> i32 { x }\n',
  cpp: 'int f(int a { return a; }\n',
};

describe.each(CHECKED_LANGUAGES)('the grammar of %s', (language) => {
  test('takes a program with today’s syntax and refuses a broken one, saying where', async () => {
    expect(await grammarFinding(language, [RIGHT[language]])).toMatchObject({ status: 'passed', score: 1 });
    const broken = await grammarFinding(language, [WRONG[language]]);
    expect(broken).toMatchObject({ kind: 'syntax', status: 'failed', score: 0 });
    expect(broken.evidence['message']).toMatch(/^line \d+: /);
  }, 30_000);
});

test('one reading that parses is enough; none at all says nothing', async () => {
  expect(await grammarFinding('python', [WRONG.python, RIGHT.python])).toMatchObject({ status: 'passed' });
  expect(await grammarFinding('python', [])).toMatchObject({ status: 'unavailable', score: null });
  expect(await grammarFinding('python', ['  \n'])).toMatchObject({ status: 'unavailable', score: null });
});

test('what is too long or too tangled is unavailable, not failed, and the next text is parsed', async () => {
  expect(await grammarFinding('python', ['x'.repeat(200_001)])).toMatchObject({ status: 'unavailable' });
  const tangled = await grammarFinding('python', ['def f(\n'.repeat(28_000)], 500);
  expect(['unavailable', 'failed']).toContain(tangled.status);
  expect(await grammarFinding('python', [RIGHT.python])).toMatchObject({ status: 'passed' });
}, 60_000);

describe('through the whole check, without a sandbox', () => {
  const deps = { sandbox: null, token: () => 'token' };
  const syntaxOf = async (task: Parameters<typeof verifyAnswer>[0], answer: string) => {
    const { signals, conclusive } = await verifyAnswer(task, answer, deps);
    return { ...signals.find((s) => s.kind === 'syntax'), conclusive };
  };

  test('a grammar says what no toolchain can, and a broken program is condemned', async () => {
    const task = { prompt: 'Write F.', language: 'go' };
    expect(await syntaxOf(task, RIGHT.go)).toMatchObject({ status: 'passed', conclusive: false });
    expect(await syntaxOf(task, WRONG.go)).toMatchObject({ status: 'failed', conclusive: true });
  }, 30_000);

  test('prose in answer to a question about code is no broken program', async () => {
    const prompt = 'What does this do?\n\ndef f(x):\n    return x + 1\n';
    const prose = 'It returns its argument plus one, whatever number that is.';
    const asked = await syntaxOf({ prompt, dimension: 'code_understanding' }, prose);
    expect(asked).toMatchObject({ status: 'unavailable', conclusive: false });
    const wanted = await syntaxOf({ prompt, dimension: 'code_generation' }, prose);
    expect(wanted).toMatchObject({ status: 'failed', conclusive: true });
  }, 30_000);
});

test('no recorded answer that passed its tests is refused by the grammar', async () => {
  const file = join(__dirname, '../../../../shared/data/humaneval/generations.jsonl');
  if (!existsSync(file)) {
    process.stdout.write('recorded answers are not here (../shared): the grammar is not tried on them\n');
    return;
  }
  const answers = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { completion: string; recorded_passed: boolean })
    .filter((a) => a.recorded_passed && /^(from|import|def) /.test(a.completion))
    .map((a) => a.completion);
  // One text of all of them: a syntax error in any is one in the whole.
  for (let i = 0; i < answers.length; i += 100) {
    const some = answers.slice(i, i + 100).join('\n\n');
    expect(await grammarFinding('python', [some])).toMatchObject({ status: 'passed' });
  }
}, 120_000);
