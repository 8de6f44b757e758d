import { randomUUID } from 'node:crypto';
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

const verify = (answer: string, tests: string, prompt = 'Write it.') =>
  verifyAnswer({ prompt, language: 'python', verification: { tests, timeoutMs: 5_000 } }, answer, {
    sandbox,
    token: randomUUID,
  });

const SWALLOWS_ALL =
  'class quiet:\n    def __enter__(self): return self\n    def __exit__(self, *e): return True\n    def value(self): return None\n';

/** Title, a right answer, tests, a wrong answer. */
const CASES: [string, string, string, string][] = [
  [
    'a class under parametrize',
    'def add(a, b): return a + b',
    'import pytest\n@pytest.mark.parametrize("a,b,c", [(1, 2, 3), (2, 2, 4)])\nclass TestAdd:\n    def test_it(self, a, b, c):\n        assert add(a, b) == c\n',
    'def add(a, b): return a * b',
  ],
  [
    'pytest.param, with names and marks',
    'def add(a, b): return a + b',
    'import pytest\n@pytest.mark.parametrize("a", [1, pytest.param(2, id="z")])\n@pytest.mark.parametrize("b,c", [(1, 1), pytest.param(2, 9, marks=pytest.mark.skip)])\ndef test_it(a, b, c):\n    assert c == 1 and add(a, b) == a + b\n',
    'def add(a, b): return a * b',
  ],
  [
    'tests that fail as expected',
    'def add(a, b): return a + b',
    'import pytest\n@pytest.mark.xfail(reason="open")\ndef test_open():\n    assert add(1, 2) == 4\n@pytest.mark.skipif("True", reason="x")\ndef test_skipped():\n    assert 0\ndef test_it():\n    if add(1, 1) != 2:\n        pytest.fail("no")\n    pytest.xfail("later") if add(0, 0) else None\n',
    'def add(a, b): return a * b',
  ],
  [
    'a strict one that does not fail',
    'def add(a, b): return a + b',
    'import pytest\n@pytest.mark.xfail(strict=True, raises=TypeError)\ndef test_open():\n    add(1, None)\ndef test_it(): assert add(1, 2) == 3\n',
    'def add(a, b): return 3',
  ],
  [
    'set up and taken down by methods',
    'def add(a, b): return a + b',
    'class TestAdd:\n    done = []\n    def setup_method(self, method): self.one = 1\n    def teardown_method(self): self.done.append(1)\n    async def test_it(self): assert add(self.one, 2) == 3\n',
    'def add(a, b): return a * b',
  ],
  [
    'an exit at the end',
    'def add(a, b): return a + b',
    'import sys\nok = add(1, 2) == 3\nsys.exit(0 if ok else 1)\n',
    'def add(a, b): return a * b',
  ],
  [
    'an exit by its short name',
    'def add(a, b): return a + b',
    'assert add(1, 2) == 3\nexit()\n',
    'def add(a, b): return a * b\nexit = quit = print',
  ],
  [
    'a context manager that swallows',
    'from contextlib import contextmanager\n@contextmanager\ndef suppress_key():\n    try:\n        yield\n    except KeyError:\n        pass',
    'with suppress_key():\n    {}["x"]\ntry:\n    with suppress_key():\n        raise ValueError("a")\nexcept ValueError as e:\n    assert str(e) == "a"\nelse:\n    raise SystemExit(1)\n',
    'from contextlib import contextmanager\n@contextmanager\ndef suppress_key():\n    try:\n        yield\n    except Exception:\n        pass',
  ],
  [
    'a context manager that looks at the error',
    'class Tx:\n    def __init__(self): self.log = []\n    def __enter__(self): return self\n    def put(self, k): self.log.append(k)\n    def __exit__(self, t, e, tb): self.log.append(f"undo {e}" if t and issubclass(t, ValueError) else "commit")',
    'class Own(ValueError): pass\nt = Tx()\ntry:\n    with t as u:\n        u.put(1)\n        raise Own("no")\nexcept Own as e:\n    assert str(e) == "no"\nwith t: t.put(2)\nassert t.log == [1, "undo no", 2, "commit"], t.log\n',
    'class Tx:\n    def __init__(self): self.log = []\n    def __enter__(self): return self\n    def put(self, k): self.log.append(k)\n    def __exit__(self, *e): self.log.append("commit")',
  ],
  [
    'generators and functions by their types',
    'def up():\n    yield 1',
    'import types, unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertIsInstance(up(), types.GeneratorType)\n        self.assertTrue(isinstance(up, (str, types.FunctionType)))\n        self.assertEqual(list(up()), [1])\n',
    'def up(): return [1]',
  ],
  [
    'data classes',
    'from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\n    y: int = 0',
    'from dataclasses import asdict, astuple, fields, is_dataclass, replace, FrozenInstanceError\np = P(1, 2)\nassert asdict(p) == {"x": 1, "y": 2} and astuple(p) == (1, 2) and replace(p, x=5).x == 5\nassert is_dataclass(P) and is_dataclass(p) and [f.name for f in fields(P)] == ["x", "y"]\ntry:\n    p.x = 3\nexcept FrozenInstanceError: pass\nelse: raise AssertionError()\n',
    'class P:\n    def __init__(self, x, y=0): self.x, self.y = x, y',
  ],
  [
    'the members of an Enum',
    'from enum import Enum\nclass Color(Enum):\n    RED = 1\n    GREEN = 2',
    'from enum import Enum\nassert issubclass(Color, Enum) and isinstance(Color.RED, Enum)\nassert [c.name for c in Color] == ["RED", "GREEN"] and len(Color) == 2\nassert Color["RED"].value == 1 and Color.GREEN in Color and list(Color)[1] is Color.GREEN\n',
    'class Color:\n    RED = 1\n    GREEN = 2',
  ],
  [
    'operators from the right and in place',
    'class Vec:\n    def __init__(self, x): self.x = x\n    def __mul__(self, k): return Vec(self.x * k)\n    __rmul__ = __mul__\n    def __rsub__(self, o): return Vec(o - self.x)\n    def __radd__(self, o): return Vec(o + self.x)\n    def __iadd__(self, o):\n        self.x += o.x\n        return self\n    def __eq__(self, o): return self.x == o.x',
    'v = w = Vec(3)\nassert 2 * v == Vec(6) and 5 - v == Vec(2) and sum([v]) == Vec(3)\nw += Vec(1)\nassert v is w and v == Vec(4)\n',
    'class Vec:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x',
  ],
  [
    'coroutines of the tests in the answer',
    'import asyncio\nasync def all_of(fs): return await asyncio.gather(*(f() for f in fs))',
    'import asyncio\nasync def one():\n    await asyncio.sleep(0.01)\n    return 1\nassert asyncio.run(all_of([one, one])) == [1, 1]\n',
    'async def all_of(fs): return [1]',
  ],
];

describe.each(CASES)('%s', (_what, right, tests, wrong) => {
  test('a right answer passes', async () => {
    const verdict = await verify(right, tests);
    expect(verdict.signals[0]).toMatchObject({ status: 'passed', evidence: { end: 'passed' } });
    expect(verdict.passed).toBe(true);
  });

  test('a wrong one does not', async () => {
    expect(await verify(wrong, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});

describe('coroutines of the answer, several at once', () => {
  const double = 'import asyncio\nasync def double(x):\n    await asyncio.sleep(0.05)\n    return 2 * x';
  const gather = (check: string) =>
    `import asyncio, time\nasync def main():\n    start = time.time()\n    r = await asyncio.gather(*[double(i) for i in range(20)])\n    assert ${check}\nasyncio.run(main())\n`;

  test('give their results', async () => {
    expect((await verify(double, gather('r[3] == 6'))).passed).toBe(true);
    expect((await verify(double.replace('2 *', '3 *'), gather('r[3] == 6'))).passed).toBe(false);
  });

  test.each([
    ['wait for one another', double, gather('time.time() - start < 0.5')],
    [
      'wake one another',
      'import asyncio\nev = None\nasync def waiter():\n    global ev\n    ev = asyncio.Event()\n    await ev.wait()\n    return 1\nasync def setter():\n    await asyncio.sleep(0.01)\n    ev.set()',
      'import asyncio\nasync def main():\n    assert (await asyncio.gather(waiter(), setter()))[0] == 1\nasyncio.run(main())\n',
    ],
  ])('but stay unverified where they must %s', async (_what, answer, tests) => {
    expect(await verify(answer, tests)).toMatchObject({ passed: false, conclusive: false });
  });
});

describe('what a context manager of the answer may swallow', () => {
  test.each([
    ['an assertion', 'x = f(1)\nwith quiet():\n    assert x == 2\n'],
    ['an error of its own', 'with quiet():\n    assert f(None) == 2\n'],
    ['an error that its value makes', 'with quiet() as q:\n    assert q.value().x == 2\n'],
    ['a failure of pytest', 'import pytest\nx = f(1)\nwith quiet():\n    pytest.fail("no")\n'],
    ['an exit', 'import sys\nwith quiet():\n    sys.exit(1 if f(1) != 2 else 0)\n'],
  ])('is not %s', async (_what, tests) => {
    expect((await verify(`${SWALLOWS_ALL}def f(x): return x + 0`, tests)).passed).toBe(false);
  });
});

describe('tests that run nothing', () => {
  test.each([
    ['skipped tests', 'import pytest\n@pytest.mark.skip\ndef test_a(): assert f(1) == 2\nf(1)\n'],
    [
      'skipped cases',
      'import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        f(1)\n        self.skipTest("x")\nunittest.main()\n',
    ],
    ['fixtures', 'class TestA:\n    def test_a(self, tmp_path): assert f(1) == 2\n'],
    [
      'examples in a docstring',
      '""">>> f(1)\n2\n"""\nimport doctest\nassert doctest.testmod().failed == 0\n',
    ],
  ])('%s leave an answer unverified', async (_what, tests) => {
    expect(await verify('def f(x): return x', tests)).toMatchObject({ passed: false, conclusive: false });
  });
});

describe('bare bodies', () => {
  const prompt = 'def add(a: int, b: int) -> int:\n    """Return the sum.\n    """\n';
  const method =
    'class C:\n    def __init__(self):\n        self.x = 1\n    def add(self, b):\n        """Add b."""\n';
  test.each([
    ['at the left margin', prompt, 'total = a + b\nreturn total', 'assert add(1, 2) == 3'],
    ['in a fence', prompt, '```python\ntotal = a + b\nreturn total\n```', 'assert add(1, 2) == 3'],
    ['of a method', method, '        self.x += b\n        return self.x\n', 'assert C().add(2) == 3'],
    ['of a method, at the margin', method, 'self.x += b\nreturn self.x', 'assert C().add(2) == 3'],
  ])('%s', async (_what, asked, answer, tests) => {
    expect((await verify(answer, tests, asked)).passed).toBe(true);
  });

  test('without a function to stand in say so', async () => {
    const verdict = await verify('total = 1\nreturn total', 'assert add(1, 2) == 3');
    expect(verdict).toMatchObject({ passed: false, conclusive: true });
    expect(JSON.stringify(verdict.signals)).toMatch(/SyntaxError: 'return' outside function/);
    const called = await verify('def f(): compile("1 +", "z", "eval")', 'f()');
    expect(JSON.stringify(called.signals)).not.toContain('SyntaxError: None');
  });
});
