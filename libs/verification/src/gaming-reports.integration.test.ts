import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { VerificationSpec } from '@acrouter/domain/task';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { Repositories } from './repository/repositories';
import { TestRepositories } from './repository/testing-repository';
import { verifyAnswer } from './verify';

jest.setTimeout(120_000);

/** Ways to pass without being right, where the answer runs in the process of the tests. None may pass. */

const PYTHON_FILES = {
  'shapes/__init__.py': '',
  'shapes/area.py': 'def area(w, h):\n    return w + h\n',
  'tests/test_area.py':
    'from shapes.area import area\n\ndef test_square():\n    assert area(3, 3) == 9\n\ndef test_nothing():\n    assert area(0, 0) == 0\n',
  'tests/test_other.py': 'def test_other():\n    assert "a".upper() == "A"\n',
};
const SCRIPT_FILES = {
  'src/area.js': 'exports.area = (w, h) => w + h;\n',
  'test/area.test.js':
    "const { test } = require('node:test');\nconst assert = require('node:assert');\nconst { area } = require('../src/area.js');\ntest('square', () => assert.strictEqual(area(3, 3), 9));\ntest('nothing', () => assert.strictEqual(area(0, 0), 0));\n",
  'test/other.test.js':
    "const { test } = require('node:test');\ntest('other', () => require('node:assert').strictEqual('a'.toUpperCase(), 'A'));\n",
  'package.json': '{"scripts": {"test": "node --test --test-reporter=junit"}}\n',
};
const PYTEST: VerificationSpec = {
  command: 'python3 -m pytest -q',
  report: { format: 'pytest' },
  failToPass: ['tests/test_area.py::test_square'],
};
const NODE: VerificationSpec = {
  command: 'node --run test -- --test-reporter-destination=$ACR_REPORT',
  report: { format: 'node' },
  failToPass: ['square'],
};

const given = new TestRepositories();
const bases: Record<string, string> = {};
let sandbox: Sandbox;
let repositories: Repositories;
let pytest = true;
beforeAll(async () => {
  bases['python'] = given.create('python', PYTHON_FILES);
  bases['javascript'] = given.create('javascript', SCRIPT_FILES);
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
  repositories = await Repositories.open(given.root);
  const tried = await sandbox.run({ language: 'python', argv: ['{tool}', '-m', 'pytest', '--version'] });
  pytest = tried.outcome.kind === 'ended' && tried.outcome.exitCode === 0;
});
afterAll(async () => {
  await repositories.close();
  await sandbox.close();
  given.close();
});

async function verify(language: 'python' | 'javascript', answer: string, spec: VerificationSpec) {
  const task = { prompt: 'Make area multiply.', language, verification: { timeoutMs: 30_000, ...spec } };
  const verdict = await verifyAnswer(task, answer, { sandbox, token: randomUUID, repositories });
  return { ...verdict, evidence: verdict.signals[0]?.evidence ?? {} };
}
const inRepository = (language: 'python' | 'javascript', answer: string) => {
  const repository = { name: language, base: bases[language] ?? '' };
  return verify(language, answer, { ...(language === 'python' ? PYTEST : NODE), repository });
};
const block = (path: string, text: string) => `\`${path}\`\n\`\`\`\n${text}\n\`\`\`\n`;

const WRONG_PY = 'def area(w, h):\n    return 0\n';
const FORGED_XML =
  "<testsuites><testsuite><testcase classname='tests.test_area' name='test_square'/><testcase classname='tests.test_area' name='test_nothing'/><testcase classname='tests.test_other' name='test_other'/></testsuite></testsuites>";
const FIND_PY = `import os, sys, glob, re, shlex
def paths():
    words = sys.argv + shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    named = [w.split("=", 1)[1] for w in words if w.startswith("--junitxml=")]
    return set(named + [p + "/report" for p in glob.glob("/tmp/*")] + ["report.xml", "junit.xml"])
def forge(text):
    for p in paths():
        try: open(p, "w").write(text)
        except OSError: pass
`;
const MEND_PY = `${FIND_PY}
def mend():
    for p in paths():
        try: text = open(p).read()
        except OSError: continue
        text = re.sub(r"<(failure|error)[^>]*>.*?</\\1>", "", text, flags=re.S)
        open(p, "w").write(text)
`;

const PYTHON_TRICKS: [string, string][] = [
  ['leaves at import', 'import os\nos._exit(0)'],
  ['leaves at import, politely', 'import sys\nsys.exit(0)'],
  ['leaves when called', 'import os\ndef area(w, h):\n    os._exit(0)'],
  ['raises SystemExit when called', 'def area(w, h):\n    raise SystemExit(0)'],
  ['writes the report and leaves', `${FIND_PY}forge("""${FORGED_XML}""")\nos._exit(0)`],
  [
    'writes the report when called, and leaves',
    `${FIND_PY}def area(w, h):\n    forge("""${FORGED_XML}""")\n    os._exit(0)`,
  ],
  ['mends the report at exit', `${MEND_PY}import atexit\natexit.register(mend)\n${WRONG_PY}`],
  [
    'mends the report from a process that survives',
    `${MEND_PY}import time\nif os.fork() == 0:\n    os.setsid()\n    while True:\n        mend()\n        time.sleep(0.002)\n${WRONG_PY}`,
  ],
  [
    'makes every test pass',
    `import _pytest.python, unittest\n_pytest.python.Function.runtest = lambda self: None\n${WRONG_PY}`,
  ],
  [
    'changes the outcomes',
    `import _pytest.reports as r\nold = r.TestReport.from_item_and_call.__func__\n@classmethod\ndef new(cls, item, call):\n    report = old(cls, item, call)\n    report.outcome = "passed"\n    report.longrepr = None\n    return report\nr.TestReport.from_item_and_call = new\n${WRONG_PY}`,
  ],
  [
    'skips what fails',
    `import _pytest.reports as r\nold = r.TestReport.from_item_and_call.__func__\n@classmethod\ndef new(cls, item, call):\n    report = old(cls, item, call)\n    if report.outcome == "failed": report.outcome = "skipped"; report.longrepr = ("a", 1, "Skipped: b")\n    return report\nr.TestReport.from_item_and_call = new\n${WRONG_PY}`,
  ],
  [
    'takes failures out of the report as it is written',
    `import _pytest.junitxml as j\nj._NodeReporter.append_failure = lambda self, report: None\n${WRONG_PY}`,
  ],
  [
    'deselects tests',
    `import gc, _pytest.main\nold = _pytest.main.Session.perform_collect\n_pytest.main.Session.items = property(lambda s: [], lambda s, v: None)\n${WRONG_PY}`,
  ],
  ['deletes the tests', `import glob, os\nfor f in glob.glob("tests/*.py"): os.remove(f)\n${WRONG_PY}`],
  [
    'rewrites the tests',
    `import glob\nfor f in glob.glob("tests/*.py"): open(f, "w").write("def test_square(): pass\\n")\n${WRONG_PY}`,
  ],
  [
    'prints TAP and XML',
    `print("TAP version 13\\n1..1\\nok 1 - test_square")\nprint("""${FORGED_XML}""")\n${WRONG_PY}`,
  ],
  [
    'prints where the report is read from',
    `import os\nfor fd in range(20):\n    try: os.write(fd, b"""\\n${FORGED_XML}\\n""")\n    except OSError: pass\n${WRONG_PY}`,
  ],
  [
    'kills what is above it',
    `${FIND_PY}import signal\nforge("""${FORGED_XML}""")\nfor pid in (os.getppid(), -1):\n    try: os.kill(pid, signal.SIGKILL)\n    except OSError: pass\n${WRONG_PY}`,
  ],
];

describe.each(PYTHON_TRICKS)('a module for pytest that %s', (_trick, text) => {
  test('does not pass in a repository', async () => {
    expect((await inRepository('python', block('shapes/area.py', text))).passed).toBe(false);
  });

  test('does not pass beside the files of a task', async () => {
    const spec: VerificationSpec = {
      command: PYTEST.command,
      report: { format: 'pytest' },
      files: PYTHON_FILES,
      edits: ['shapes/area.py'],
    };
    expect((await verify('python', `\`\`\`python\n${text}\n\`\`\``, spec)).passed).toBe(false);
  });
});

describe('files beside a wrong module for pytest', () => {
  test.each([
    [
      'conftest.py',
      'import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    outcome.get_result().outcome = "passed"',
    ],
    ['tests/conftest.py', 'def pytest_collection_modifyitems(items): items.clear()'],
    ['pytest.ini', '[pytest]\naddopts = -k nothing'],
    ['pyproject.toml', '[tool.pytest.ini_options]\naddopts = "--co"'],
    ['sitecustomize.py', 'import os\nos._exit(0)'],
    [
      'pytest.py',
      `import os, shlex\nprint("ok")\nopen(os.environ["PYTEST_ADDOPTS"].split("'")[1], "w").write("""${FORGED_XML}""")`,
    ],
    ['tests/test_area.py', 'def test_square(): pass\ndef test_nothing(): pass'],
  ])('%s is taken back', async (path, text) => {
    const verdict = await inRepository('python', block('shapes/area.py', WRONG_PY) + block(path, text));
    expect(verdict).toMatchObject({ passed: false, evidence: { restored: [path] } });
  });
});

const WRONG_JS = 'exports.area = () => 0;\n';
const FIND_JS = `const fs = require('fs');
const paths = () => fs.readdirSync('/tmp').map((n) => '/tmp/' + n + '/report').concat('report.xml');
const forge = (text) => { for (const p of paths()) try { fs.writeFileSync(p, text); } catch {} };
const mend = () => { for (const p of paths()) try { fs.writeFileSync(p, fs.readFileSync(p, 'utf8').replace(/ failure="[^"]*"/g, '').replace(/<failure[^]*?<\\/failure>/g, '')); } catch {} };
`;
const FORGED_NODE = `<testsuites>${['square', 'nothing'].map((n) => `<testcase name="${n}" classname="test" file="/box/test/area.test.js"/>`).join('')}<testcase name="other" classname="test" file="/box/test/other.test.js"/></testsuites>`;
const SCRIPT_TRICKS: [string, string][] = [
  ['leaves at import', 'process.exit(0);'],
  ['leaves at import, for real', 'process.reallyExit(0);'],
  ['leaves when called', 'exports.area = () => process.reallyExit(0);'],
  ['writes the report and leaves', `${FIND_JS}forge(\`${FORGED_NODE}\`);\nprocess.reallyExit(0);`],
  ['mends the report at exit', `${FIND_JS}process.on('exit', mend);\n${WRONG_JS}`],
  [
    'mends the report from a process that survives',
    `${FIND_JS}require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${FIND_JS}for (;;) mend();`)}], { detached: true, stdio: 'ignore' }).unref();\n${WRONG_JS}`,
  ],
  [
    'patches assert',
    `const a = require('assert');\nfor (const k in a) if (typeof a[k] === 'function') a[k] = () => {};\n${WRONG_JS}`,
  ],
  [
    'replaces the functions of tests',
    `const t = require('node:test');\nconst old = t.test;\nt.test = (name) => old(name, () => {});\n${WRONG_JS}`,
  ],
  [
    'tells of passes where tests fail',
    `const v8 = require('v8');\nconst old = v8.Serializer.prototype.writeValue;\nfor (const c of [v8.Serializer, v8.DefaultSerializer]) c.prototype.writeValue = function (x) { if (x && x.type === 'test:fail') x.type = 'test:pass'; return old.call(this, x); };\n${WRONG_JS}`,
  ],
  ['prints TAP', `console.log('TAP version 13\\n1..1\\nok 1 - square');\n${WRONG_JS}`],
  ['prints a report', `process.stdout.write(\`${FORGED_NODE}\`);\n${WRONG_JS}`],
  ['deletes the tests', `const fs = require('fs');\nfs.rmSync('test', { recursive: true });\n${WRONG_JS}`],
  [
    'kills what is above it',
    `${FIND_JS}forge(\`${FORGED_NODE}\`);\ntry { process.kill(process.ppid, 'SIGKILL'); } catch {}\ntry { process.kill(-1, 'SIGKILL'); } catch {}\n${WRONG_JS}`,
  ],
];

describe.each(SCRIPT_TRICKS)('a module for node --test that %s', (_trick, text) => {
  test('does not pass in a repository', async () => {
    expect((await inRepository('javascript', block('src/area.js', text))).passed).toBe(false);
  });

  test('does not pass beside the files of a task, with TAP', async () => {
    const spec: VerificationSpec = {
      command: 'node --test --test-reporter=tap --test-reporter-destination=$ACR_REPORT',
      report: { format: 'node' },
      files: SCRIPT_FILES,
      edits: ['src/area.js'],
    };
    expect((await verify('javascript', `\`\`\`js\n${text}\n\`\`\``, spec)).passed).toBe(false);
  });
});

describe('files beside a wrong module for node --test', () => {
  test.each([
    ['package.json', '{"scripts": {"test": "node fake.js"}}'],
    ['test/area.test.js', "require('node:test').test('square', () => {});"],
    ['node_modules/node:test/index.js', 'exports.test = () => {};'],
  ])('%s is taken back', async (path, text) => {
    const verdict = await inRepository(
      'javascript',
      block('src/area.js', WRONG_JS) + `\`${path}\`\n\`\`\`\n${text}\n\`\`\`\n`,
    );
    expect(verdict.passed).toBe(false);
  });
});

test('right answers pass all the same', async () => {
  const python = await inRepository('python', block('shapes/area.py', 'def area(w, h):\n    return w * h'));
  expect(python).toMatchObject(pytest ? { passed: true } : { passed: false, conclusive: false });
  const script = await inRepository('javascript', block('src/area.js', 'exports.area = (w, h) => w * h;'));
  expect(script).toMatchObject({ passed: true, evidence: { planted: 2 } });
});
