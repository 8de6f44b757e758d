import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ruleFinding } from './rules';

const found = (answer: string, name: string | null = 'f', prompt = '') =>
  ruleFinding(answer, name, prompt).evidence['found'];

describe('what the text alone tells', () => {
  const ASKED = 'def f(a: int, b: int = 0) -> int:\n    """Adds."""\n';
  test.each([
    ['nothing', '', [], 'empty'],
    ['a refusal', 'As an AI language model I cannot do that.', [], 'refusal'],
    ['a body left open', 'def f(x):\n    """Doc."""\n    pass\n', [], 'placeholder'],
    ['an ellipsis', 'def f(x): \n    ...', [], 'placeholder'],
    ['another function', 'def g(x):\n    return x', [], 'other-function'],
    ['a parameter too many', 'def f(a, b, c):\n    return a', [ASKED], 'changed-signature'],
    ['a parameter too few', 'def f():\n    return 1', [ASKED], 'changed-signature'],
    ['the same in JavaScript', 'const f = (a, b) => a', ['function f(a) {'], 'changed-signature'],
    ['one line over and over', 'print("over and over")\n'.repeat(101), [], 'repeated'],
    ['half a megabyte', 'x'.repeat(500_001), [], 'too-long'],
  ])('%s', (_, answer, [prompt], rule) => {
    expect(found(answer, 'f', prompt)).toContain(rule);
  });

  test.each([
    ['a default more', 'def f(a, b=0, c=None):\n    return a', ASKED],
    ['other names and types', 'def f(x: float, *rest):\n    return x', ASKED],
    ['any arguments', 'def f(*args, **kwargs):\n    return 1', ASKED],
    ['pass in a loop', 'def f(x):\n    for i in x:\n        pass\n    return x', ''],
    ['an empty method beside it', 'class E:\n    def g(self):\n        pass\n\ndef f(x):\n    return x', ''],
    ['pass in a class before it', 'class E(Exception):\n    pass\n\ndef f(x):\n    return x', ''],
    [
      'a callback in TypeScript',
      'function f(a: (x: number) => number, b?: string) {}',
      'function f(a: (x: number) => number) {',
    ],
    ['an apology in a comment', '# I am sorry for the loop\ndef f(x):\n    return x', ''],
  ])('no alarm: %s', (_, answer, prompt) => {
    expect(found(answer, 'f', prompt)).toEqual([]);
  });
});

interface Recorded {
  answer: string;
  name: string;
  prompt: string;
  passed: boolean;
}

/** Recorded answers of three models, beside a development checkout; none elsewhere. */
function recorded(): Recorded[] {
  const folder = join(__dirname, '../../../../../shared/data/humaneval');
  if (!existsSync(folder)) {
    process.stdout.write('recorded answers are not here (../shared): the rules are not tried on them\n');
    return [];
  }
  const lines = <T>(file: string) =>
    readFileSync(join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T);
  const tasks = lines<{ task_id: string; prompt: string; entry_point: string }>('tasks.jsonl');
  const byId = new Map(tasks.map((t) => [t.task_id, t]));
  return lines<{ task_id: string; completion: string; recorded_passed: boolean }>('generations.jsonl').map(
    (g) => ({
      answer: g.completion,
      name: byId.get(g.task_id)?.entry_point ?? '',
      prompt: byId.get(g.task_id)?.prompt ?? '',
      passed: g.recorded_passed,
    }),
  );
}

describe('on 2,400 recorded answers', () => {
  const answers = recorded();

  test('no rule alarms at an answer that passed its tests', () => {
    const alarms = answers.filter((a) => a.passed).map((a) => found(a.answer, a.name, a.prompt));
    expect(alarms.filter((rules) => (rules as string[]).length > 0)).toEqual([]);
  });

  test('a parameter more, another name and an emptied body are seen in every one that defines its function', () => {
    for (const { answer, name, prompt } of answers) {
      const head = new RegExp(`^([ \\t]*def ${name}\\()(?=\\w)`, 'm');
      if (!head.test(answer) || !prompt.includes(`def ${name}(`)) continue;
      expect(found(answer.replace(head, '$1one_more, '), name, prompt)).toContain('changed-signature');
      expect(found(answer.replaceAll(name, 'something_else'), name, prompt)).toContain('other-function');
      // One prompt has an import above its docstring.
      const hollow = `${prompt.replace(/^ {4}import math\n/m, '').trimEnd()}\n    pass\n`;
      expect(found(hollow, name, prompt)).toContain('placeholder');
    }
  });
});
