import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { VerificationSpec } from '@acrouter/domain/task';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { Repositories } from './repository/repositories';
import { TestRepositories } from './repository/testing-repository';
import { verifyAnswer } from './verify';

jest.setTimeout(120_000);

/** Wrong answers that raise what steers a test framework: skips, stops and exits, true and forged. None may pass. */

const given = new TestRepositories();
let base: string;
let sandbox: Sandbox;
let repositories: Repositories;
let pytest = false;
beforeAll(async () => {
  base = given.create('calc', {
    'calc.py': 'def add(a, b):\n    return 3 - b + b if a == 1 else 0\n',
    'test_calc.py':
      'from calc import add\ndef test_a():\n    assert add(1, 2) == 3\ndef test_b():\n    assert add(5, 6) == 11\ndef test_c():\n    assert add(2, 2) == 4\n',
  });
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

const verify = (answer: string, verification: VerificationSpec) =>
  verifyAnswer(
    { prompt: 'Write add(a, b).', language: 'python', verification: { timeoutMs: 20_000, ...verification } },
    answer,
    { sandbox, token: randomUUID, repositories },
  );

const RIGHT = 'def add(a, b):\n    return a + b\n';
const forged = (name: string, module: string, parent: string) =>
  `class Z(${parent}): pass\nZ.__name__ = Z.__qualname__ = "${name}"\nZ.__module__ = "${module}"\n`;
/** Title, what stands before, and the statement that is run instead of an answer. */
const SIGNALS: [string, string, string][] = [
  ['unittest’s skip', 'import unittest', 'raise unittest.SkipTest("x")'],
  ['a class below it', 'import unittest\nclass Z(unittest.SkipTest): pass', 'raise Z("x")'],
  ['its end of a subtest', 'from unittest.case import _ShouldStop', 'raise _ShouldStop'],
  ['a forged skip of unittest.case', forged('SkipTest', 'unittest.case', 'Exception'), 'raise Z("x")'],
  ['a forged skip of unittest', forged('SkipTest', 'unittest', 'Exception'), 'raise Z("x")'],
  ['a forged stop', forged('_ShouldStop', 'unittest.case', 'Exception'), 'raise Z()'],
  ['pytest’s skip', 'import pytest', 'pytest.skip("x")'],
  ['pytest’s expected failure', 'import pytest', 'pytest.xfail("x")'],
  ['pytest’s exit', 'import pytest', 'pytest.exit("x", returncode=0)'],
  ['a forged skip of pytest', forged('Skipped', '_pytest.outcomes', 'BaseException'), 'raise Z("x")'],
  ['a forged skip of the language', forged('Skipped', 'builtins', 'BaseException'), 'raise Z("x")'],
  ['a forged expected failure', forged('XFailed', '_pytest.outcomes', 'BaseException'), 'raise Z("x")'],
  ['SystemExit', '', 'raise SystemExit(0)'],
  ['a class below SystemExit', 'class Z(SystemExit): pass', 'raise Z(0)'],
  ['KeyboardInterrupt', '', 'raise KeyboardInterrupt'],
  ['GeneratorExit', '', 'raise GeneratorExit'],
];

const CASE =
  'import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add(1, 2), 3)\n    def test_b(self):\n        self.assertEqual(add(5, 6), 11)\n';
const FUNCTIONS = 'def test_a():\n    assert add(1, 2) == 3\ndef test_b():\n    assert add(5, 6) == 11\n';
const TESTS: [string, string][] = [
  ['unittest', CASE],
  ['unittest.main', `${CASE}unittest.main()\n`],
  [
    'a runner',
    `${CASE}r = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nassert r.wasSuccessful()\n`,
  ],
  ['pytest', FUNCTIONS],
  [
    'parametrize',
    'import pytest\n@pytest.mark.parametrize("a,b,c", [(1, 2, 3), (5, 6, 11)])\ndef test_a(a, b, c):\n    assert add(a, b) == c\n',
  ],
  [
    'pytest.raises',
    'import pytest\ndef test_a():\n    with pytest.raises(ValueError):\n        add("x", 2)\n',
  ],
  ['a script', 'import sys\nok = add(1, 2) == 3\nsys.exit(0 if ok else 1)\n'],
  [
    'a script that passes exits on',
    'import sys\ntry:\n    add(1, 2)\nexcept SystemExit as e:\n    sys.exit(e.code)\n',
  ],
  ['a generator', 'def results():\n    yield add(1, 2) == 3\nassert all(results())\n'],
];

describe.each(TESTS)('tests in the manner of %s', (_manner, tests) => {
  test.each(SIGNALS)('fail an answer that raises %s', async (_what, head, statement) => {
    const answer = `${head}\ndef add(a, b):\n    ${statement}\n`;
    expect(await verify(answer, { tests })).toMatchObject({ passed: false, conclusive: true });
  });
});

test.each([
  ['a skip', 'import unittest\ndef error(): return unittest.SkipTest\n'],
  ['an exit', 'def error(): return SystemExit\n'],
])('tests that raise a class from the answer do not raise %s', async (_what, answer) => {
  for (const tests of ['raise error()\n', 'def test_a():\n    raise error()\n'])
    expect(await verify(answer, { tests })).toMatchObject({ passed: false, conclusive: true });
});

const IMPORT = 'from answer import add\n';
const COMMANDS: [string, VerificationSpec][] = [
  ['pytest', { command: 'python3 -m pytest -q test_x.py', files: { 'test_x.py': IMPORT + FUNCTIONS } }],
  [
    'pytest with a report',
    { command: 'python3 -m pytest -q', files: { 'test_x.py': IMPORT + CASE }, report: { format: 'pytest' } },
  ],
  ['unittest', { command: 'python3 -m unittest -q test_x', files: { 'test_x.py': IMPORT + CASE } }],
  ['a script', { command: 'python3 test_x.py', files: { 'test_x.py': `${IMPORT}${CASE}unittest.main()\n` } }],
];

describe.each(COMMANDS)('a command of %s', (manner, spec) => {
  test('passes a right answer', async () => {
    const verdict = await verify(RIGHT, spec);
    if (pytest || !manner.startsWith('pytest')) expect(verdict.passed).toBe(true);
  });

  test.each(SIGNALS)('fails an answer that raises %s', async (_what, head, statement) => {
    const answer = `${head}\ndef add(a, b):\n    if a == 1: return 3\n    ${statement}\n`;
    expect((await verify(answer, spec)).passed).toBe(false);
  });
});

describe('where the answer shares the process of the tests', () => {
  const SKIPS = SIGNALS.filter(([what]) => /^(unittest’s|pytest’s) (skip|expected failure)/.test(what));
  const shared = (files: Record<string, string>): VerificationSpec => ({
    command: 'python3 -m pytest -q',
    files,
    isolation: 'shared',
    report: { format: 'pytest' },
  });

  test.each(SKIPS)(
    'an answer that raises %s for some inputs does not pass',
    async (_what, head, statement) => {
      const answer = `${head}\ndef add(a, b):\n    if a == 1: return 3\n    ${statement}\n`;
      const reported = await verify(answer, shared({ 'test_x.py': IMPORT + FUNCTIONS }));
      expect(reported.passed).toBe(false);
      const script = { command: 'python3 test_x.py', isolation: 'shared' as const };
      const files = { 'test_x.py': `${IMPORT}${CASE}unittest.main()\n` };
      expect((await verify(answer, { ...script, files })).passed).toBe(false);
    },
  );

  test.each(SKIPS)('nor does one in a repository that raises %s', async (_what, head, statement) => {
    const text = `${head}\ndef add(a, b):\n    if a == 2: ${statement}\n    return a + b\n`;
    const spec: VerificationSpec = {
      repository: { name: 'calc', base },
      command: 'python3 -m pytest -q',
      report: { format: 'pytest' },
      failToPass: ['test_calc.py::test_b'],
      passToPass: ['test_calc.py::test_a'],
    };
    const verdict = await verify(`\`calc.py\`\n\`\`\`\n${text}\n\`\`\`\n`, spec);
    expect(verdict.passed).toBe(false);
    if (pytest) expect(JSON.stringify(verdict.signals[0])).toMatch(/test_c.*skipped, and was not before/);
  });

  test('a skip that the tests ask for is left out', async () => {
    if (!pytest) return;
    const files = {
      'test_x.py': `import pytest\n${IMPORT}${FUNCTIONS}\n@pytest.mark.skip(reason="later")\ndef test_z():\n    assert 0\n@pytest.mark.xfail\ndef test_x():\n    assert add(1, 1) == 3\n`,
    };
    for (const spec of [shared(files), { ...shared(files), isolation: undefined }])
      expect((await verify(RIGHT, spec)).passed).toBe(true);
  });
});
