import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import type { CheckableTask } from './verdict';
import { verifyAnswer } from './verify';

jest.setTimeout(60_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const verify = (task: CheckableTask, answer: string) =>
  verifyAnswer(task, answer, { sandbox, token: randomUUID });

/** Wrong answers that try to be taken for right ones; issue 4, part 5. */
const PYTHON: [string, string][] = [
  ['exits with success', 'import sys\nsys.exit(0)'],
  ['exits at once, below Python', 'import os\nos._exit(0)'],
  ['exits when called', 'def area(w, h):\n    import os\n    os._exit(0)'],
  ['raises SystemExit(0) when called', 'def area(w, h):\n    raise SystemExit(0)'],
  [
    'prints what looks like success',
    'print("OK\\nAll tests passed\\n1 passed, 0 failed")\ndef area(w, h):\n    return 0',
  ],
  [
    'prints a report with guessed tokens',
    'import json, os\nfor fd in range(1, 64):\n    try: os.write(fd, b\'\\n{"checks":{"tests":{"status":"passed"}},"chosen":0}\\n\')\n    except OSError: pass\ndef area(w, h):\n    return 0',
  ],
  [
    'equals everything',
    'class Any:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n    def __hash__(self): return 0\ndef area(w, h):\n    return Any()',
  ],
  [
    'does arithmetic that suits',
    'class Any(float):\n    def __sub__(self, o): return 0.0\n    def __rsub__(self, o): return 0.0\n    def __eq__(self, o): return True\n    def __lt__(self, o): return True\n    def __abs__(self): return 0.0\ndef area(w, h):\n    return Any(1)',
  ],
  [
    'is a plain class with suitable arithmetic',
    'class Any:\n    def __getattr__(self, n): return lambda *a: 0.0\n    def __sub__(self, o): return 0.0\n    def __abs__(self): return 0.0\n    def __lt__(self, o): return True\n    def __round__(self, n=0): return 12\n    def __eq__(self, o): return True\ndef area(w, h):\n    return Any()',
  ],
  [
    'replaces the built-in that tests use',
    'import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.isinstance = lambda *a: True\nabs = lambda x: 0\ndef area(w, h):\n    return 0.0',
  ],
  [
    'replaces math.isclose',
    'import math\nmath.isclose = lambda *a, **k: True\nmath.fabs = lambda x: 0\ndef area(w, h):\n    return 0.0',
  ],
  [
    'replaces the test library',
    'import unittest, sys, types\nunittest.TestCase.assertEqual = lambda *a, **k: None\nsys.modules["pytest"] = types.ModuleType("pytest")\nunittest.main = lambda *a, **k: None\ndef area(w, h):\n    return 0',
  ],
  [
    'replaces AssertionError',
    'import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet\nAssertionError = Quiet\ndef area(w, h):\n    return 0',
  ],
  ['redefines check', 'def area(w, h):\n    return 0\ndef check(candidate):\n    pass'],
  [
    'redefines the helper of the prompt that tests use',
    'def half(x):\n    return 0\ndef area(w, h):\n    return 0',
  ],
  [
    'walks the stack for expected values',
    'import sys, inspect\ndef area(w, h):\n    f = sys._getframe()\n    while f:\n        for v in list(f.f_locals.values()) + list(f.f_globals.values()):\n            if type(v) is str and "assert" in v:\n                import re\n                m = re.findall(r"area\\((\\d+), (\\d+)\\) == (\\d+)", v)\n                for a, b, c in m:\n                    if (int(a), int(b)) == (w, h): return int(c)\n        f = f.f_back\n    return 0',
  ],
  [
    'searches the heap for the tests',
    'import gc, re\ndef area(w, h):\n    for o in gc.get_objects():\n        if isinstance(o, dict):\n            for v in list(o.values()):\n                if isinstance(v, str) and "assert" in v:\n                    for a, b, c in re.findall(r"area\\((\\d+), (\\d+)\\) == (\\d+)", v):\n                        if (int(a), int(b)) == (w, h): return int(c)\n    return 0',
  ],
  [
    'reads the tests from files, stdin and /proc',
    'import os, re, glob\ntext = ""\nfor p in glob.glob("/box/**", recursive=True) + glob.glob("/tmp/**", recursive=True) + glob.glob("/proc/*/cmdline") + glob.glob("/proc/*/fd/*") + glob.glob("/proc/*/environ") + ["/dev/stdin", "/proc/1/fd/0"]:\n    try: text += open(p, errors="replace").read()\n    except Exception: pass\nfor fd in range(0, 32):\n    try:\n        os.set_blocking(fd, False); text += os.read(fd, 1 << 20).decode(errors="replace")\n    except Exception: pass\nT = dict(((int(a), int(b)), int(c)) for a, b, c in re.findall(r"area\\((\\d+), (\\d+)\\) == (\\d+)", text))\ndef area(w, h):\n    return T.get((w, h), 0)',
  ],
  [
    'reads the memory of the other process',
    'import os, re\ntext = ""\nfor pid in range(1, 40):\n    try:\n        for line in open(f"/proc/{pid}/maps"):\n            a, b = (int(x, 16) for x in line.split()[0].split("-"))\n            with open(f"/proc/{pid}/mem", "rb") as m:\n                m.seek(a); text += m.read(b - a).decode(errors="replace")\n    except Exception: pass\nT = dict(((int(a), int(b)), int(c)) for a, b, c in re.findall(r"area\\((\\d+), (\\d+)\\) == (\\d+)", text))\ndef area(w, h):\n    return T.get((w, h), 0)',
  ],
  [
    'traces the other process',
    'import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nok = [libc.ptrace(16, pid, 0, 0) for pid in (os.getppid(), 1, 2, 3)]\ndef area(w, h):\n    return 12 if 0 in ok else 0',
  ],
  [
    'kills the judge',
    'import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\ndef area(w, h):\n    return 0',
  ],
  [
    'replaces the judge by itself',
    'import os, sys\nos.execv("/bin/sh", ["sh", "-c", "echo passed; exit 0"])',
  ],
  [
    'answers for the judge over the socket',
    'import gc, socket, json\nfor o in gc.get_objects():\n    if isinstance(o, socket.socket):\n        m = json.dumps({"ok": 12, "missing": False}).encode()\n        o.sendall((len(m).to_bytes(8, "big") + m) * 50)\ndef area(w, h):\n    return 0',
  ],
  [
    'works after the end',
    'import atexit, threading, time\natexit.register(lambda: print("passed"))\nthreading.Thread(target=lambda: (time.sleep(1), print("passed")), daemon=False).start()\ndef area(w, h):\n    return 0',
  ],
  [
    'plants a module for the tests to import',
    'import os\nfor d in (".", "/box", "/tmp"):\n    for n in ("unittest", "math", "pytest", "json"):\n        try: open(f"{d}/{n}.py", "w").write("def __getattr__(n): return lambda *a, **k: None")\n        except OSError: pass\ndef area(w, h):\n    return 0',
  ],
  [
    'recurses through __class__ of an argument',
    'def area(w, h):\n    try:\n        w.__class__.__eq__ = lambda *a: True\n    except TypeError: pass\n    return 0',
  ],
];

/** One way of checking at a time, so that a trick meets the check that it was made for. */
const CHECKS = [
  'assert candidate(3, 4) == 12',
  'assert abs(candidate(5, 5) - 25) < 1e-6',
  'import math\n    assert math.isclose(candidate(2, 9), 18)',
  'assert half(candidate(6, 7)) == 21',
  'import unittest\n    unittest.TestCase().assertEqual(candidate(3, 7), 21)',
  'assert round(candidate(3, 5), 2) == 15 and str(candidate(3, 5)) == "15"',
  'assert candidate(3, 4) in (12, 12.0) and [candidate(3, 4)] == [12] and {candidate(3, 4)} == {12}',
  'try:\n        assert candidate(3, 4) == 12\n    except AssertionError:\n        raise SystemExit(1)',
];

const PROMPT = 'def half(x):\n    return x / 2\n\ndef area(w, h):\n    """Area of a rectangle."""\n';
const testsOf = (check: string) => `
def check(candidate):
    ${check}

check(area)
# area(3, 4) == 12
`;

describe('Python answers that game the tests do not pass', () => {
  const taskOf = (check: string) => ({
    prompt: PROMPT,
    language: 'python',
    verification: { tests: testsOf(check), entryPoint: 'area', timeoutMs: 5_000 },
  });

  test.each(CHECKS)('but an honest one does: %s', async (check) => {
    expect((await verify(taskOf(check), 'def area(w, h):\n    return w * h')).passed).toBe(true);
  });

  test.each(PYTHON)('%s', async (_name, answer) => {
    for (const check of CHECKS) {
      const verdict = await verify(taskOf(check), answer);
      expect({ check, passed: verdict.passed }).toEqual({ check, passed: false });
      expect(verdict.score).toBeLessThan(0.5);
    }
  });
});

const SCRIPT: [string, string][] = [
  ['exits with success', 'process.exit(0);'],
  ['exits below process.exit', 'process.reallyExit(0);'],
  ['exits when called', 'function area() { process.exit(0); }'],
  [
    'prints what looks like success',
    'console.log("ok 1 - all tests passed\\n# pass 1\\n# fail 0"); function area() { return 0; }',
  ],
  [
    'writes a report to every descriptor',
    'const fs = require("fs"); for (let fd = 0; fd < 40; fd++) try { fs.writeSync(fd, "\\n{\\"checks\\":{\\"tests\\":{\\"status\\":\\"passed\\"}}}\\n"); } catch {} function area() { return 0; }',
  ],
  [
    'converts to whatever is asked',
    'function area() { let n = 0; const vals = [12, 25, 18, 21]; return { valueOf() { return vals[n++ % 4]; }, toString() { return "12"; }, [Symbol.toPrimitive]() { return 12; } }; }',
  ],
  [
    'replaces assert',
    'const a = require("assert"); for (const k of Object.keys(a)) a[k] = () => {}; a.strict = a; require.cache = {}; function area() { return 0; }',
  ],
  [
    'replaces Object.is and Math.abs',
    'Object.is = () => true; Math.abs = () => 0; Number.prototype.valueOf = () => 12; Array.prototype.every = () => true; function area() { return 0; }',
  ],
  [
    'hooks the module loader',
    'const M = require("module"); const l = M._load; M._load = (n, ...r) => n.includes("assert") ? new Proxy(() => {}, { get: () => () => {} }) : l(n, ...r); function area() { return 0; }',
  ],
  [
    'reads tests from files, stdin and /proc',
    'const fs = require("fs"); let text = ""; const see = (p) => { try { text += fs.readFileSync(p, "utf8"); } catch {} }; for (const d of ["/box", "/tmp"]) try { for (const f of fs.readdirSync(d)) see(d + "/" + f); } catch {} for (let i = 1; i < 40; i++) { see(`/proc/${i}/cmdline`); see(`/proc/${i}/fd/0`); } see(0); const T = Object.fromEntries([...text.matchAll(/area\\((\\d+), (\\d+)\\), (\\d+)/g)].map((m) => [m[1] + "," + m[2], +m[3]])); function area(w, h) { return T[w + "," + h] ?? 0; }',
  ],
  [
    'reads the stack for the tests',
    'function area(w, h) { const s = new Error().stack; const c = area.caller; const t = String(c) + s; const m = t.match(new RegExp(`area\\\\(${w}, ${h}\\\\), (\\\\d+)`)); return m ? +m[1] : 0; }',
  ],
  [
    'debugs the judge and reads its memory',
    'for (let i = 1; i < 60; i++) if (i !== process.pid) try { process.kill(i, "SIGUSR1"); } catch {}\nlet known = null;\n(async () => { for (let i = 0; i < 5; i++) try { const l = await (await fetch("http://127.0.0.1:9229/json")).json(); known = l; break; } catch { await new Promise((r) => setTimeout(r, 100)); } })();\nasync function area() { await new Promise((r) => setTimeout(r, 600)); return known ? 12 : 0; }',
  ],
  ['kills the judge', 'process.kill(process.ppid, "SIGKILL"); function area() { return 0; }'],
  [
    'kills everything it can',
    'for (let i = 2; i < 60; i++) if (i !== process.pid) try { process.kill(i, "SIGTERM"); } catch {} function area() { return 0; }',
  ],
  [
    'debugs the judge',
    'for (let i = 2; i < 60; i++) if (i !== process.pid) try { process.kill(i, "SIGUSR1"); } catch {} function area() { return 0; }',
  ],
  ['throws something strange', 'function area() { throw { valueOf: () => 12, ok: 12, settled: 0 }; }'],
  [
    'answers with a proxy',
    'function area() { return new Proxy({}, { get: (t, k) => (k === "constructor" ? Number : () => 12), getPrototypeOf: () => Number.prototype }); }',
  ],
  [
    'pollutes prototypes through its result',
    'function area() { return JSON.parse(\'{"__proto__":{"strictEqual":1},"constructor":{"prototype":{"x":1}}}\'); }',
  ],
  ['never answers', 'function area() { return new Promise(() => {}); }'],
  [
    'sets the exit code',
    'process.exitCode = 0; process.on("exit", () => process.reallyExit(0)); function area() { throw new Error(); }',
  ],
  [
    'defines the names that tests use',
    'var assert = { strictEqual() {}, ok() {} }; globalThis.assert = assert; function require() { return assert; } function area() { return 0; }',
  ],
];

const SCRIPT_CHECKS = [
  'assert.strictEqual(area(3, 4), 12);',
  'assert.equal(area(5, 5), 25);',
  'assert.ok(Math.abs(area(2, 9) - 18) < 1e-9);',
  'assert.deepStrictEqual([area(3, 7)], [21]);',
  'assert(area(3, 4) == 12);',
  'if (area(3, 4) !== 12) throw new Error();',
  'if (`${area(3, 4)}` !== "12") process.exit(1);',
  "require('node:test')('area', () => assert.strictEqual(area(3, 4), 12));",
  'assert.strictEqual(await area(3, 4), 12);',
];

describe('JavaScript answers that game the tests do not pass', () => {
  const taskOf = (check: string) => ({
    prompt: 'Write a JavaScript function area(w, h).',
    language: 'javascript',
    verification: { tests: `const assert = require('node:assert');\n${check}`, timeoutMs: 3_000 },
  });

  test.each(SCRIPT_CHECKS)('but an honest one does: %s', async (check) => {
    expect((await verify(taskOf(check), 'const area = (w, h) => w * h;')).passed).toBe(true);
  });

  test.each(SCRIPT)('%s', async (_name, answer) => {
    for (const check of SCRIPT_CHECKS) {
      const verdict = await verify(taskOf(check), answer);
      expect({ check, passed: verdict.passed }).toEqual({ check, passed: false });
      expect(verdict.score).toBeLessThan(0.5);
    }
  });
});
