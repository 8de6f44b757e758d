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

/** Threads of the tests, of the answer, and of both: title, answer, tests, a wrong answer. */
const CASES: [string, string, string, string][] = [
  [
    'a pool of the tests that calls the answer',
    'def square(x): return x * x',
    'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n    assert list(pool.map(square, range(300))) == [i * i for i in range(300)]',
    'def square(x): return x * x if x != 250 else 0',
  ],
  [
    'a counter that threads of the tests share',
    'import threading\nclass Counter:\n    def __init__(self): self.n, self.lock = 0, threading.Lock()\n    def inc(self):\n        with self.lock: self.n += 1',
    'import threading\nc = Counter()\nts = [threading.Thread(target=lambda: [c.inc() for _ in range(50)]) for _ in range(8)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nassert c.n == 400',
    'class Counter:\n    def __init__(self): self.n = 0\n    def inc(self): self.n = 1',
  ],
  [
    'a queue in which one thread waits for another',
    'import threading\nclass Box:\n    def __init__(self): self.changed, self.items = threading.Condition(), []\n    def put(self, x):\n        with self.changed: self.items.append(x); self.changed.notify()\n    def get(self):\n        with self.changed:\n            while not self.items: self.changed.wait()\n            return self.items.pop(0)',
    'import threading\nbox, out = Box(), []\nt = threading.Thread(target=lambda: out.append(box.get()))\nt.start()\nbox.put(5)\nt.join()\nassert out == [5]',
    'class Box:\n    def put(self, x): pass\n    def get(self): return None',
  ],
  [
    'variables of a thread',
    'import threading\nlocal = threading.local()\ndef remember(x): local.x = x\ndef recall(): return getattr(local, "x", None)',
    'import threading\nout = []\nremember(1)\ndef other():\n    out.append(recall())\n    remember(2)\n    out.append(recall())\nfor _ in range(2):\n    t = threading.Thread(target=other)\n    t.start()\n    t.join()\nassert out == [None, 2, None, 2] and recall() == 1, out',
    'x = None\ndef remember(v):\n    global x\n    x = v\ndef recall(): return x',
  ],
  [
    'a pool of the answer that calls back',
    'from concurrent.futures import ThreadPoolExecutor\ndef pmap(f, xs):\n    with ThreadPoolExecutor(4) as pool: return list(pool.map(f, xs))',
    'assert pmap(lambda x: x + 1, range(40)) == list(range(1, 41))',
    'def pmap(f, xs): return list(xs)',
  ],
  [
    'a callback after the call is over',
    'import threading\ndef later(f): threading.Timer(0.05, f).start()',
    'import threading\ndone = threading.Event()\nlater(done.set)\nassert done.wait(8)',
    'def later(f): raise ValueError(f)',
  ],
  [
    'a worker of the answer and one of the tests',
    'import threading, queue\nclass Worker:\n    def __init__(self):\n        self.q = queue.Queue()\n        self.t = threading.Thread(target=self.run, daemon=True)\n        self.t.start()\n    def run(self):\n        for f in iter(self.q.get, None):\n            print("job")\n            f()\n    def submit(self, f): self.q.put(f)\n    def stop(self): self.q.put(None); self.t.join()',
    'import threading\nw, got = Worker(), []\nt = threading.Thread(target=lambda: [w.submit(lambda i=i: got.append(i)) for i in range(20)])\nt.start()\nt.join()\nw.stop()\nassert got == list(range(20))',
    'class Worker:\n    def submit(self, f): f()\n    def stop(self): raise ValueError("x")',
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

test('an answer that floods its tests with threads ends, and fails', async () => {
  const answer =
    'import threading, time\ndef f(g):\n    for _ in range(600):\n        threading.Thread(target=lambda: (g(), time.sleep(9)), daemon=True).start()\n    return 1';
  const verdict = await verify(answer, 'assert f(lambda: 1) == 2');
  expect(verdict).toMatchObject({ passed: false, conclusive: true });
});
