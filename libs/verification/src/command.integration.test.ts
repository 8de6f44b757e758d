import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

async function verify(
  language: string,
  command: string,
  files: Record<string, string>,
  answer: string,
  answerFile?: string,
) {
  const task = { prompt: 'Do it.', language, verification: { command, files, answerFile, timeoutMs: 6_000 } };
  const verdict = await verifyAnswer(task, answer, { sandbox, token: randomUUID });
  return { ...verdict, isolation: verdict.signals[0]?.evidence['isolation'] };
}

const PYTHON_TESTS: [string, string, Record<string, string>][] = [
  [
    'a script',
    'python3 check.py',
    { 'check.py': 'from answer import area\nassert area(3, 4) == 12\nprint("ok")' },
  ],
  [
    'unittest',
    'python3 -m unittest -q test_area',
    {
      'test_area.py':
        'import unittest\nimport answer\nclass T(unittest.TestCase):\n    def test_area(self):\n        self.assertEqual(answer.area(3, 4), 12)\n',
    },
  ],
  ['a star import', 'python3 check.py', { 'check.py': 'from answer import *\nassert area(3, 4) == 12' }],
];
const SCRIPT_TESTS: [string, string, Record<string, string>][] = [
  [
    'a script',
    'node check.js',
    { 'check.js': "const { area } = require('./answer');\nrequire('assert').strictEqual(area(3, 4), 12);" },
  ],
  [
    'node --test',
    'node --test area.test.js',
    {
      'area.test.js':
        "const { area } = require('./answer.js');\nconst { test } = require('node:test');\ntest('area', () => require('assert').strictEqual(area(3, 4), 12));",
    },
  ],
  [
    'a static import',
    'node check.mjs',
    {
      'check.mjs':
        "import assert from 'node:assert';\nimport { area } from './answer.js';\nassert.strictEqual(area(3, 4), 12);",
    },
  ],
];

describe.each(PYTHON_TESTS)('a command that runs %s in Python', (_name, command, files) => {
  test('passes a right answer and fails a wrong one', async () => {
    const right = await verify('python', command, files, '```python\ndef area(w, h):\n    return w * h\n```');
    expect(right).toMatchObject({ passed: true, isolation: 'own-sandbox' });
    expect(await verify('python', command, files, 'def area(w, h):\n    return w + h')).toMatchObject({
      passed: false,
      isolation: 'own-sandbox',
    });
  });

  test.each([
    ['exits', 'import os\nos._exit(0)'],
    ['exits when called', 'import sys\ndef area(w, h):\n    sys.exit(0)'],
    [
      'deletes and rewrites the tests',
      'import os, glob\nfor f in glob.glob("/box/*.py"):\n    try: open(f, "w").write("")\n    except OSError: pass\ndef area(w, h):\n    return 0',
    ],
    [
      'reads the tests',
      'import glob, re\ntext = "".join(open(f, errors="replace").read() for f in glob.glob("/box/**", recursive=True) + glob.glob("/judge/**", recursive=True) if f.endswith(".py"))\ndef area(w, h):\n    return 12 if "12" in text else 0',
    ],
    [
      'patches unittest',
      'import unittest\nunittest.TestCase.assertEqual = lambda *a: None\nunittest.main = lambda *a, **k: None\ndef area(w, h):\n    return 0',
    ],
    [
      'equals everything',
      'class Any:\n    def __eq__(self, o): return True\ndef area(w, h):\n    return Any()',
    ],
    [
      'plants modules',
      'import os\nfor d in ("/box", "/tmp", "."):\n    try: open(d + "/sitecustomize.py", "w").write("import os; os._exit(0)"); open(d + "/unittest.py", "w").write("")\n    except OSError: pass\ndef area(w, h):\n    return 0',
    ],
    [
      'kills its neighbours',
      'import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass\ndef area(w, h):\n    return 0',
    ],
  ])('fails an answer that %s', async (_trick, answer) => {
    expect((await verify('python', command, files, answer)).passed).toBe(false);
  });
});

describe.each(SCRIPT_TESTS)('a command that runs %s in JavaScript', (_name, command, files) => {
  test.each([
    ['CommonJS', 'module.exports = { area: (w, h) => w * h };'],
    ['an ES module', 'export function area(w, h) { return w * h; }'],
    ['a bare function', 'function area(w, h) { return w * h; }'],
  ])('passes a right answer in %s', async (_form, answer) => {
    expect(await verify('javascript', command, files, answer)).toMatchObject({
      passed: true,
      isolation: 'own-sandbox',
    });
  });

  test.each([
    ['is wrong', 'exports.area = (w, h) => w + h;'],
    ['exits', 'process.exit(0);\nexports.area = 1;'],
    ['exits when called', 'exports.area = () => process.reallyExit(0);'],
    [
      'patches assert and the runner',
      'const a = require("assert"); for (const k in a) a[k] = () => {}; require("node:test").test = () => {}; exports.area = () => 0;',
    ],
    [
      'rewrites the tests',
      'const fs = require("fs"); for (const f of fs.readdirSync("/box")) try { fs.writeFileSync("/box/" + f, ""); } catch {} exports.area = () => 0;',
    ],
  ])('fails an answer that %s', async (_trick, answer) => {
    expect((await verify('javascript', command, files, answer)).passed).toBe(false);
  });
});

describe('a command', () => {
  test('sees an answer that is a program, with arguments and stdin', async () => {
    const files = { 'check.py': 'import answer_check\n', 'answer_check.py': '' };
    const command = 'test "$(printf "3 4" | python3 answer.py x)" = "7 x"';
    const answer = 'import sys\na, b = map(int, input().split())\nprint(a + b, sys.argv[1])';
    expect((await verify('python', command, files, answer)).passed).toBe(true);
  });

  test('may copy the answer, which then runs beside the tests', async () => {
    const files = {
      'check.py':
        'import shutil, subprocess, sys\nshutil.copy("answer.py", "/tmp/a.py")\nsys.exit(subprocess.run([sys.executable, "/tmp/a.py"]).returncode)',
    };
    expect(await verify('python', 'python3 check.py', files, 'print(1)')).toMatchObject({
      passed: true,
      isolation: 'none',
    });
  });

  test('in other languages is judged by its exit code', async () => {
    expect(
      (await verify('bash', 'bash answer.sh | grep -q hello', {}, '```bash\necho hello\n```')).passed,
    ).toBe(true);
    expect((await verify('bash', 'bash answer.sh | grep -q hello', {}, 'echo bye')).passed).toBe(false);
  });

  test('leaves no folder behind', () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`acr-judge-${process.pid}-`))).toEqual([]);
  });
});
