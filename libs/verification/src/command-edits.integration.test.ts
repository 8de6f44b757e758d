import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { verifyAnswer } from './verify';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const task = {
  prompt: 'Make add add.',
  language: 'python',
  verification: {
    command: 'python3 test.py',
    files: {
      'src/add.py': 'def add(a, b):\n    return a - b\n',
      'test.py': 'import sys\nsys.path.insert(0, "src")\nfrom add import add\nassert add(1, 2) == 3\n',
    },
    edits: ['src/add.py'],
  },
};
const verify = (answer: string) => verifyAnswer(task, answer, { sandbox, token: randomUUID });

test.each([
  [
    'a diff',
    '```diff\n--- a/src/add.py\n+++ b/src/add.py\n@@ -2 +2 @@\n-    return a - b\n+    return a + b\n```',
    true,
  ],
  ['a whole file', '```python\ndef add(a, b):\n    return a + b\n```', true],
  ['a wrong file', '```python\ndef add(a, b):\n    return a * b\n```', false],
  ['a diff that does not apply', '```diff\n@@ -2 +2 @@\n-    return a / b\n+    return a + b\n```', false],
  ['a changed test', '`test.py`\n```python\npass\n```', false],
])('an answer that is %s', async (_name, answer, passed) => {
  const verdict = await verify(answer);
  expect(verdict).toMatchObject({ passed, conclusive: true });
});

test('why an answer does not apply is part of the evidence', async () => {
  const { signals } = await verify('no code');
  expect(JSON.stringify(signals)).toContain('neither a diff nor a code block');
});
