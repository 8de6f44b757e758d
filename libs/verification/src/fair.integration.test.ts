import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { randomUUID } from 'node:crypto';
import { verifyAnswer } from './verify';

jest.setTimeout(60_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const verify = (answer: string, tests: string | undefined, prompt = 'Write it.') =>
  verifyAnswer({ prompt, language: 'python', verification: { tests } }, answer, {
    sandbox,
    token: randomUUID,
  });

/** What tests do with a right answer that lives in another process: title, answer, tests, a wrong answer. */
const CASES: [string, string, string, string][] = [
  [
    'attributes of an error',
    'class Short(Exception):\n    def __init__(self, need, have):\n        super().__init__(f"need {need}, have {have}")\n        self.need, self.have = need, have\n    @property\n    def gap(self): return self.need - self.have\ndef pay(n): raise Short(n, 3)',
    'try:\n    pay(10)\nexcept Short as e:\n    assert (e.need, e.have, e.gap) == (10, 3, 7) and str(e) == "need 10, have 3"\nelse:\n    raise AssertionError("no error")',
    'class Short(Exception):\n    def __init__(self, need, have):\n        super().__init__("x")\n        self.need, self.have, self.gap = have, need, 0\ndef pay(n): raise Short(n, 3)',
  ],
  [
    'errors that derive from errors of the answer',
    'class AppError(Exception): pass\nclass NotFound(AppError, KeyError): pass\ndef find(): raise NotFound("x")',
    'import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        with self.assertRaises(AppError) as c: find()\n        self.assertIsInstance(c.exception, NotFound)\n        self.assertEqual(c.exception.args, ("x",))\n        self.assertTrue(issubclass(NotFound, AppError))',
    'class AppError(Exception): pass\nclass NotFound(Exception): pass\ndef find(): raise NotFound("x")',
  ],
  [
    'the cause of an error',
    'class Bad(Exception): pass\ndef read(t):\n    try: return int(t)\n    except ValueError as e: raise Bad("no number") from e',
    'try: read("x")\nexcept Bad as e: assert isinstance(e.__cause__, ValueError), e.__cause__\nelse: raise AssertionError()',
    'class Bad(Exception): pass\ndef read(t): raise Bad("no number")',
  ],
  [
    'names and docstrings under a decorator',
    'import functools\ndef twice(f):\n    @functools.wraps(f)\n    def inner(*a, **k): return 2 * f(*a, **k)\n    return inner\n@twice\ndef one():\n    """One."""\n    return 1',
    '@twice\ndef five():\n    """Five."""\n    return 5\nassert five() == 10 and five.__name__ == "five" and five.__doc__ == "Five."\nassert one() == 2 and one.__name__ == "one" and one.__doc__ == "One."',
    'def twice(f):\n    def inner(*a, **k): return 2 * f(*a, **k)\n    return inner\n@twice\ndef one(): return 1',
  ],
  [
    'iterators and generators as arguments',
    'def pairs(it):\n    it = iter(it)\n    return list(zip(it, it))\ndef total(it): return sum(x for x in it)',
    'assert pairs(x for x in range(4)) == [(0, 1), (2, 3)]\nassert pairs(iter("abcd")) == [("a", "b"), ("c", "d")]\nassert total(map(int, ["1", "2"])) == 3\nassert total({1: 2}.keys()) == 1',
    'def pairs(it): return list(it)\ndef total(it): return 0',
  ],
  [
    'objects of the tests as arguments',
    'def reverse(n):\n    before = None\n    while n is not None and n:\n        n.next, before, n = before, n, n.next\n    return before\ndef area(p): return p.x * p[1] + len(p)',
    'from collections import namedtuple\nclass Node:\n    def __init__(self, v, next=None): self.v, self.next = v, next\nc = Node(3); b = Node(2, c); a = Node(1, b)\nr = reverse(a)\nassert r is c and [r.v, r.next.v, r.next.next.v] == [3, 2, 1] and r.next.next.next is None\nP = namedtuple("P", "x y")\nassert area(P(2, 3)) == 8',
    'def reverse(n): return n\ndef area(p): return 0',
  ],
  [
    'a file in memory',
    'def count(f): return sum(1 for line in f if line.strip())\ndef shout(f, out): out.write(f.read().upper())',
    'import io\nassert count(io.StringIO("a\\n\\nb\\n")) == 2\nout = io.StringIO()\nshout(io.StringIO("hi"), out)\nassert out.getvalue() == "HI"',
    'def count(f): return 0\ndef shout(f, out): pass',
  ],
  [
    'mocks',
    'def notify(client, names):\n    for n in names: client.send(n, urgent=True)\n    return client.status.code',
    'from unittest.mock import Mock, call\nc = Mock()\nc.status.code = 7\nassert notify(c, ["a", "b"]) == 7\nassert c.send.call_args_list == [call("a", urgent=True), call("b", urgent=True)]',
    'def notify(client, names): return 7',
  ],
  [
    'patches of what the answer uses',
    'def now(): return 1\ndef age(): return now() - 1',
    'from unittest.mock import patch\nimport solution\nwith patch("solution.now", return_value=11) as fake:\n    assert age() == 10\n    fake.assert_called_once()\nwith patch.object(solution, "now", lambda: 5):\n    assert age() == 4\nassert age() == 0',
    'def now(): return 1\ndef age(): return 0',
  ],
  [
    'a class of the tests below one of the answer',
    'from abc import ABC, abstractmethod\nclass Shape(ABC):\n    def __init__(self, name="shape"): self.name = name\n    @abstractmethod\n    def area(self): ...\n    def describe(self): return f"{self.name}: {self.area()}"\n    def hello(self): return "hello"',
    'class Square(Shape):\n    def __init__(self, side):\n        super().__init__("square")\n        self.side = side\n    def area(self): return self.side ** 2\n    def hello(self): return super().hello() + "!"\n    @property\n    def size(self): return "big"\n    @staticmethod\n    def sides(): return 4\ns = Square(3)\nassert s.size == "big" and s.sides() == 4\nassert s.describe() == "square: 9" and s.hello() == "hello!"\nassert isinstance(s, Shape) and issubclass(Square, Shape)\ntry: Shape()\nexcept TypeError: pass\nelse: raise AssertionError("abstract")',
    'class Shape:\n    def __init__(self, name="shape"): self.name = name\n    def area(self): return 0\n    def describe(self): return "shape"\n    def hello(self): return ""',
  ],
  [
    'who is who',
    'class One:\n    it = None\n    def __new__(cls):\n        if cls.it is None: cls.it = super().__new__(cls)\n        return cls.it\ndef push(l, x):\n    l.append(x)\n    return l',
    'assert One() is One()\nl = [1]\nassert push(l, 2) is l and l == [1, 2]',
    'class One: pass\ndef push(l, x): return l + [x]',
  ],
  [
    'callbacks that look at objects of the answer',
    'class P:\n    def __init__(self, n): self.n = n\n    def __repr__(self): return f"P{self.n}"\ndef by(items, key): return sorted(items, key=key)\ndef each(items, f):\n    for i in items: f(i)',
    'seen = []\nps = by([P(2), P(1)], key=lambda p: p.n)\nassert [p.n for p in ps] == [1, 2]\neach(ps, lambda p: seen.append(repr(p)))\nassert seen == ["P1", "P2"]',
    'class P:\n    def __init__(self, n): self.n = n\ndef by(items, key): return items\ndef each(items, f): pass',
  ],
  [
    'copies and pickles',
    'class P:\n    def __init__(self, n): self.n, self.l = n, [n]\n    def __eq__(self, o): return isinstance(o, P) and (self.n, self.l) == (o.n, o.l)',
    'import copy, pickle\np = P(1)\nq = copy.deepcopy(p)\nassert q == p and q is not p\nq.n = 5\nassert p.n == 1 and q != p\nr = pickle.loads(pickle.dumps(p))\nassert r == p and r is not p and isinstance(r, P)',
    'class P:\n    def __init__(self, n): self.n, self.l = n, [n]\n    def __deepcopy__(self, memo): return self\n    def __eq__(self, o): return True',
  ],
  [
    'classes and their classes',
    'class Animal: pass\nclass Dog(Animal): pass',
    'assert issubclass(Dog, Animal) and not issubclass(Animal, Dog) and isinstance(Dog(), Animal)',
    'class Animal: pass\nclass Dog: pass',
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

describe('in JavaScript', () => {
  const script = (answer: string, tests: string) =>
    verifyAnswer({ prompt: 'Write it.', language: 'javascript', verification: { tests } }, answer, {
      sandbox,
      token: randomUUID,
    });
  test.each([
    [
      'names that the harness uses, too',
      "const util = require('util');\nclass Judge {}\nconst own = 1, encode = 2, ERRORS = 3;\nfunction update(x) { return util.format('%s', x + own); }",
      "if (update(1) !== '2') throw new Error(update(1));",
      'function update(x) { return x; }',
    ],
    [
      'attributes and the cause of an error',
      'class Short extends Error { constructor(have) { super("short", { cause: new TypeError("x") }); this.code = 7; this.info = { have }; } }\nfunction pay(n) { throw new Short(n); }',
      "try { pay(3); } catch (e) { if (!(e instanceof Short) || e.code !== 7 || e.info.have !== 3 || !(e.cause instanceof TypeError)) throw new Error('bad'); var seen = true; }\nif (!seen) throw new Error('none');",
      'class Short extends Error {}\nfunction pay(n) { throw new Short(n); }',
    ],
    [
      'an error that holds itself',
      'function f() { const e = new RangeError("r"); e.self = e; throw e; }',
      "try { f(); throw new Error('none'); } catch (e) { if (!(e instanceof RangeError)) throw e; }",
      'function f() { return 1; }',
    ],
  ])('%s', async (_what, right, tests, wrong) => {
    const verdict = await script(right, tests);
    expect(verdict.signals[0]).toMatchObject({ status: 'passed', evidence: { end: 'passed' } });
    expect(await script(wrong, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});

describe('tests that look into the answer itself', () => {
  const tests =
    'import inspect\nassert f(1) == 2\nassert inspect.signature(f).parameters.keys() == {"x"}, inspect.signature(f)';

  test('leave it unverified, and say what would do', async () => {
    const verdict = await verify('def f(x): return x + 1', tests);
    expect(verdict).toMatchObject({ passed: false, conclusive: false });
    expect(JSON.stringify(verdict.signals)).toMatch(/isolation.*shared/);
  });

  test('but fail an answer that fails before', async () => {
    expect(await verify('def f(x): return x', tests)).toMatchObject({ passed: false, conclusive: true });
  });

  test('are no way out for an answer whose tests do not', async () => {
    const answer = 'import inspect\ndef f(x):\n    inspect.signature(f)\n    return x';
    expect(await verify(answer, 'assert f(1) == 2')).toMatchObject({ passed: false, conclusive: true });
  });
});

describe('doctests', () => {
  const prompt = (lines: string) => `def f(x):\n    """F.\n${lines}\n    """\n`;
  test.each([
    ['that print', '    >>> print(f(2))\n    4', true],
    ['that print in several lines', '    >>> for i in (1, 2): print(f(i))\n    2\n    4', true],
    ['that print and are wrong', '    >>> print(f(2))\n    5', false],
    ['with an ellipsis', '    >>> [f(i) for i in range(20)] # doctest: +ELLIPSIS\n    [0, 2, ..., 38]', true],
    ['with an ellipsis that does not fit', '    >>> [f(i) for i in range(20)]\n    [0, 2, ..., 39]', false],
    ['of nothing but an ellipsis', '    >>> f(2)\n    ...\n    >>> f(3)\n    6', true],
  ])('%s', async (_what, lines, passes) => {
    const verdict = await verify('def f(x):\n    return 2 * x', undefined, prompt(lines));
    expect(verdict.passed).toBe(passes);
  });
});

describe('what tests hand to an answer is no way to gain by', () => {
  test.each([
    [
      'a mock, whose assertions it replaces',
      'def f(m): m.assert_called_once = lambda: None; m.called = True; m.call_count = 1',
      'from unittest.mock import Mock\nm = Mock()\nf(m)\nm.assert_called_once()',
    ],
    [
      'a mock, which it configures',
      'def f(m):\n    for name in ("configure_mock", "reset_mock"):\n        try: getattr(m, name)(**{"assert_called_once": lambda: None})\n        except Exception: pass',
      'from unittest.mock import Mock\nm = Mock()\nf(m)\nm.assert_called_once()',
    ],
    [
      'an object, whose methods it replaces',
      'def f(box): box.value = lambda: 42',
      'class Box:\n    def value(self): return 0\nb = Box()\nf(b)\nassert b.value() == 42',
    ],
    [
      'a generator, whose frame it looks into',
      'def f(g):\n    try: return g.gi_frame.f_globals["secret"]\n    except Exception: return None',
      'secret = 42\nassert f(x for x in [1]) == 42',
    ],
    [
      'a function, whose globals it looks into',
      'def f(g):\n    for name in ("__globals__", "func_globals", "__code__"):\n        try: return getattr(g, name)["secret"]\n        except Exception: pass',
      'secret = 42\nassert f(lambda: 1) == 42',
    ],
  ])('%s', async (_what, answer, tests) => {
    expect(await verify(answer, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});
