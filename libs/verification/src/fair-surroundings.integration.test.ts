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

const verify = (answer: string, tests: string) =>
  verifyAnswer({ prompt: 'Write it.', language: 'python', verification: { tests } }, answer, {
    sandbox,
    token: randomUUID,
  });

/** What tests change of the process around the answer: title, answer, tests, a wrong answer. */
const CASES: [string, string, string, string][] = [
  [
    'patch time.time',
    'import time\ndef age(t): return time.time()-t',
    'from unittest.mock import patch\nwith patch("time.time", return_value=100):\n    assert age(40)==60\nimport time\nassert abs(age(time.time()))<60',
    'import time\ndef age(t): return t-time.time()',
  ],
  [
    'patch.object time sleep',
    'import time\ndef retry(f,n):\n    for i in range(n):\n        try: return f()\n        except ValueError: time.sleep(2**i)\n    raise ValueError("no")',
    'import time\nfrom unittest.mock import patch, Mock, call\nf=Mock(side_effect=[ValueError("a"),ValueError("b"),7])\nwith patch.object(time,"sleep") as s:\n    assert retry(f,5)==7\n    assert s.call_args_list==[call(1),call(2)]',
    'import time\ndef retry(f,n):\n    for i in range(n):\n        try: return f()\n        except ValueError: time.sleep(i)',
  ],
  [
    'decorator patch builtins.print',
    'def hi(n): print("hi", n)',
    'from unittest.mock import patch\n@patch("builtins.print")\ndef test_hi(p):\n    hi("bob")\n    p.assert_called_once_with("hi","bob")',
    'def hi(n): print("ho", n)',
  ],
  [
    'patch open',
    'def count(p):\n    with open(p) as f: return sum(1 for _ in f)',
    'from unittest.mock import patch, mock_open\nwith patch("builtins.open", mock_open(read_data="a\\nb\\nc\\n")) as m:\n    assert count("x.txt")==3\n    m.assert_called_once_with("x.txt")',
    'def count(p): return 3',
  ],
  [
    'assign time.time',
    'import time\ndef stamp(): return int(time.time())',
    'import time as t\nold=t.time\nt.time=lambda: 42.5\ntry:\n    assert stamp()==42\nfinally:\n    t.time=old\nassert stamp()>42',
    'def stamp(): return 42',
  ],
  [
    'stdin',
    'import sys\ndef total(): return sum(int(l) for l in sys.stdin)\ndef both(): return int(input())+int(sys.stdin.readline())',
    'import sys, io\nsys.stdin=io.StringIO("1\\n2\\n3\\n")\nassert total()==6\nsys.stdin=io.StringIO("4\\n5\\n")\nassert both()==9',
    'def total(): return 0\ndef both(): return 9',
  ],
  [
    'patch stdin',
    'import sys\ndef total(): return sum(map(int,sys.stdin.read().split()))',
    'import io\nfrom unittest.mock import patch\nwith patch("sys.stdin", io.StringIO("1 2 3")):\n    assert total()==6',
    'def total(): return 5',
  ],
  [
    'stderr',
    'import sys\ndef warn(m): print("W:",m,file=sys.stderr); print("out")',
    'import io, contextlib\ne=io.StringIO(); o=io.StringIO()\nwith contextlib.redirect_stderr(e), contextlib.redirect_stdout(o): warn("x")\nassert e.getvalue()=="W: x\\n" and o.getvalue()=="out\\n"',
    'def warn(m): print("W:",m); print("out")',
  ],
  [
    'environ',
    'import os\ndef level(): return os.environ.get("LEVEL","info")',
    'import os\nfrom unittest.mock import patch\nassert level()=="info"\nwith patch.dict(os.environ, {"LEVEL":"debug"}):\n    assert level()=="debug"\nassert level()=="info"\nos.environ["LEVEL"]="x"\nassert level()=="x" and os.getenv("LEVEL")=="x"',
    'def level(): return "info"',
  ],
  [
    'assertLogs',
    'import logging\nlog=logging.getLogger("app")\ndef go(n):\n    log.info("n=%d",n)\n    if n<0: log.warning("negative")',
    'import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        with self.assertLogs("app", level="INFO") as c: go(-1)\n        self.assertEqual(c.output, ["INFO:app:n=-1","WARNING:app:negative"])\n    def test_warn(self):\n        with self.assertLogs(level="WARNING") as c: go(-2)\n        self.assertEqual(len(c.records),1)\n    def test_none(self):\n        with self.assertNoLogs("app", level="WARNING"): go(3)',
    'def go(n): pass',
  ],
  [
    'warnings',
    'import warnings\ndef old():\n    warnings.warn("use new", DeprecationWarning, stacklevel=2)\n    return 1',
    'import warnings\nwith warnings.catch_warnings(record=True) as w:\n    warnings.simplefilter("always")\n    assert old()==1\nassert len(w)==1 and issubclass(w[0].category, DeprecationWarning) and "new" in str(w[0].message)\nimport unittest\nclass T(unittest.TestCase):\n    def test(self):\n        with self.assertWarns(DeprecationWarning): old()\n    def test_error(self):\n        with warnings.catch_warnings():\n            warnings.simplefilter("error")\n            with self.assertRaises(DeprecationWarning): old()',
    'def old(): return 1',
  ],
  [
    'seed',
    'import random\ndef roll(): return random.randint(1,10**9)\ndef mix(l):\n    l=list(l); random.shuffle(l); return l',
    'import random\nrandom.seed(7); a=roll()\nrandom.seed(7); assert roll()==a==random.Random(7).randint(1,10**9)\nrandom.seed(3); x=mix(range(50))\nrandom.seed(3); e=list(range(50)); random.shuffle(e)\nassert x==e',
    'import random\ndef roll(): return 5\ndef mix(l): return sorted(l)',
  ],
  [
    'patch random.randint',
    'import random\ndef roll(): return random.randint(1,6)+random.randint(1,6)',
    'from unittest.mock import patch\nwith patch("random.randint", side_effect=[3,4]) as m:\n    assert roll()==7 and m.call_count==2',
    'def roll(): return 7',
  ],
  [
    'patch subprocess',
    'import subprocess\ndef head(): return subprocess.run(["git","rev-parse"],capture_output=True,text=True).stdout.strip()',
    'from unittest.mock import patch, Mock\nwith patch("subprocess.run", return_value=Mock(stdout=" abc\\n")) as m:\n    assert head()=="abc"\n    assert m.call_args[0][0]==["git","rev-parse"]',
    'def head(): return "abc"',
  ],
  [
    'patch method of the answer class',
    'class C:\n    def fetch(self): return 1\n    def twice(self): return 2*self.fetch()',
    'from unittest.mock import patch\nimport solution\nwith patch.object(solution.C,"fetch",return_value=21) as m:\n    assert C().twice()==42\n    m.assert_called_once_with()\nassert C().twice()==2\nwith patch("solution.C.fetch", lambda self: 5):\n    assert C().twice()==10\nassert C().twice()==2',
    'class C:\n    def fetch(self): return 1\n    def twice(self): return 2',
  ],
  [
    'class attribute reset',
    'class C:\n    n=0\n    def __init__(self): C.n+=1',
    'C.n=0\nC();C()\nassert C.n==2\nC.n=0\nC()\nassert C.n==1',
    'class C:\n    n=0\n    def __init__(self): C.n=2',
  ],
  [
    'patch __main__',
    'import time\ndef now(): return 1\ndef age(): return now()+1\ndef t(): return time.time()',
    'from unittest.mock import patch\nwith patch("__main__.now", return_value=5): assert age()==6\nassert age()==2\nwith patch("__main__.time.time", return_value=9): assert t()==9',
    'def age(): return 6\ndef t(): return 9\ndef now(): return 0',
  ],
  [
    'patch Path.read_text',
    'from pathlib import Path\ndef size(p): return len(Path(p).read_text())',
    'from unittest.mock import patch\nfrom pathlib import Path\nwith patch.object(Path,"read_text",return_value="abcd"): assert size("nope")==4\nwith patch("pathlib.Path.read_text",lambda self: "ab"): assert size("nope")==2',
    'def size(p): return 4',
  ],
  [
    'argv',
    'import sys\ndef args(): return sys.argv[1:]',
    'import sys\nfrom unittest.mock import patch\nwith patch.object(sys,"argv",["x","-v","a"]): assert args()==["-v","a"]\nsys.argv=["p","q"]\nassert args()==["q"]',
    'def args(): return ["-v","a"]',
  ],
  [
    'chdir tempfile',
    'import os\ndef ls(): return sorted(os.listdir("."))',
    'import os, tempfile\nold=os.getcwd()\nwith tempfile.TemporaryDirectory() as d:\n    os.chdir(d)\n    open("a.txt","w").close()\n    assert ls()==["a.txt"]\n    os.chdir(old)',
    'def ls(): return []',
  ],
  [
    'recursion limit',
    'def depth(n): return 0 if n==0 else 1+depth(n-1)',
    'import sys\nsys.setrecursionlimit(20000)\nassert depth(5000)==5000',
    'def depth(n): return n+1',
  ],
];

describe.each(CASES)('%s', (_what, right, tests, wrong) => {
  test('a right answer passes', async () => {
    const verdict = await verify(right, tests);
    expect(verdict.signals[0]).toMatchObject({ status: 'passed', evidence: { end: 'passed' } });
  });

  test('a wrong one does not', async () => {
    expect(await verify(wrong, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});

describe('what cannot be carried over leaves the answer unverified, and says what would do', () => {
  test.each([
    [
      'tracemalloc',
      'def f(): return 1',
      'import tracemalloc\ntracemalloc.start()\nf()\nassert tracemalloc.get_traced_memory()[1]>10**7',
    ],
    [
      'multiprocessing',
      'def sq(x): return x*x',
      'from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(2) as p:\n    assert list(p.map(sq,range(5)))==[0,1,4,9,16]',
    ],
    ['weak', 'class C: pass', 'import weakref\nc=C()\nw=weakref.ref(c)\ndel c\nassert w() is None'],
    [
      'getcontext',
      'from decimal import Decimal\ndef third(): return Decimal(1)/3',
      'from decimal import *\ngetcontext().prec=4\nassert str(third())=="0.3333"',
    ],
  ])('%s', async (_what, answer, tests) => {
    const verdict = await verify(answer, tests);
    expect(verdict).toMatchObject({ passed: false, conclusive: false });
    expect(JSON.stringify(verdict.signals)).toMatch(/isolation.*shared/);
  });
});
