import { expect, test } from '@jest/globals';
import { parseTaskFile } from './task-formats';

const line = (value: unknown) => JSON.stringify(value);

test('our own format: empty lines are skipped, tasks without an id are named by their line', () => {
  const text = `\ufeff${line({ id: 'a', prompt: 'p' })}\r\n\n${line({ prompt: 'q' })}\n`;
  expect(parseTaskFile(text, 'acr', 't').map((t) => t.id)).toEqual(['a', 'line-3']);
});

test('every mistake is told with its line, at most five', () => {
  const lines = [
    '{',
    line({ id: 'a', prompt: 'p' }),
    line({ id: 'a', prompt: 'p' }),
    line({ id: 'b', promt: 'p' }),
  ];
  expect(() => parseTaskFile(lines.join('\n'), 'acr', 't.jsonl')).toThrow(
    /t\.jsonl:1: not JSON[^]*t\.jsonl:3: id "a" is taken by line 2[^]*t\.jsonl:4: prompt: .*promt/,
  );
  expect(() => parseTaskFile('x\n'.repeat(9), 'acr', 't')).toThrow(/t:5: [^]*and 4 more/);
  expect(() => parseTaskFile('\n', 'acr', 't')).toThrow(/holds no task/);
});

test('HumanEval: the test calls check with the entry point', () => {
  const text = line({
    task_id: 'HumanEval/0',
    prompt: 'def f():',
    entry_point: 'f',
    canonical_solution: 'x',
    test: 'def check(c): pass',
  });
  expect(parseTaskFile(text, 'humaneval', 't')).toMatchObject([
    {
      id: 'HumanEval/0',
      prompt: 'def f():',
      language: 'python',
      verification: { tests: 'def check(c): pass\n\ncheck(f)\n', entryPoint: 'f' },
    },
  ]);
});

test.each([
  { task_id: 3, text: 'Add.', test_setup_code: 'import math', test_list: ['assert f(1) == 2'] },
  { task_id: 3, prompt: 'Add.', test_imports: ['import math'], test_list: ['assert f(1) == 2'] },
])('MBPP, full and sanitized: the prompt shows the tests', (task) => {
  expect(parseTaskFile(line(task), 'mbpp', 't')).toMatchObject([
    {
      id: 'mbpp/3',
      prompt: 'Add.\nYour code should pass these tests:\n\nassert f(1) == 2\n',
      language: 'python',
      verification: { tests: 'import math\nassert f(1) == 2\n' },
    },
  ]);
});
