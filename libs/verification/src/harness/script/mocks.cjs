'use strict';
// `jest` (or `vi`) as far as tests of functions use it: functions that remember their calls, spies, timers of its own.

const spied = [];
const made = [];

function mockFunction(implementation) {
  let usual = implementation;
  let next = [];
  const mock = { calls: [], results: [], instances: [], contexts: [] };
  const fn = function (...args) {
    mock.calls.push(args);
    mock.instances.push(this);
    mock.contexts.push(this);
    const run = next.length > 0 ? next.shift() : usual;
    try {
      const value = run ? run.apply(this, args) : undefined;
      mock.results.push({ type: 'return', value });
      return value;
    } catch (error) {
      mock.results.push({ type: 'throw', value: error });
      throw error;
    }
  };
  Object.defineProperty(mock, 'lastCall', { get: () => mock.calls.at(-1) });
  const clear = () => {
    for (const list of [mock.calls, mock.results, mock.instances, mock.contexts]) list.length = 0;
    return fn;
  };
  const always = (make) => (value) => ((usual = make(value)), fn);
  const once = (make) => (value) => (next.push(make(value)), fn);
  const returns = (value) => () => value;
  const resolves = (value) => () => Promise.resolve(value);
  const rejects = (value) => () => Promise.reject(value);
  const runs = (f) => f;
  const reset = () => ((usual = implementation), (next = []), clear());
  made.push(clear);
  return Object.assign(fn, {
    mock,
    mockClear: clear,
    mockReset: reset,
    mockRestore: reset,
    mockName: () => fn,
    getMockName: () => 'jest.fn()',
    mockImplementation: always(runs),
    mockImplementationOnce: once(runs),
    mockReturnThis: () =>
      always(runs)(function () {
        return this;
      }),
    mockReturnValue: always(returns),
    mockReturnValueOnce: once(returns),
    mockResolvedValue: always(resolves),
    mockResolvedValueOnce: once(resolves),
    mockRejectedValue: always(rejects),
    mockRejectedValueOnce: once(rejects),
  });
}

function spyOn(object, name) {
  const original = object[name];
  const fn = mockFunction(original);
  const restore = () => void (object[name] = original);
  spied.push(restore);
  object[name] = Object.assign(fn, { mockRestore: restore });
  return fn;
}

const timers = () => require('node:test').mock.timers;
const each = (list) => list.forEach((f) => f());
let faked = false;

/** Timers and clock of the tests; the answer's are theirs while they are so. */
function fakeTimers(options = {}) {
  if (faked) timers().reset();
  timers().enable({
    apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'],
    now: Number(options.now ?? Date.now()),
  });
  faked = true;
}

function realTimers() {
  if (faked) timers().reset();
  faked = false;
}

const library = {
  fn: mockFunction,
  spyOn,
  isMockFunction: (f) => typeof f === 'function' && typeof f.mock === 'object',
  clearAllMocks: () => each(made),
  resetAllMocks: () => each(made),
  restoreAllMocks: () => each(spied.splice(0)),
  useFakeTimers: (options) => (fakeTimers(options), library),
  useRealTimers: () => (realTimers(), library),
  setSystemTime: (now) => timers().setTime(Number(now)),
  advanceTimersByTime: (ms) => timers().tick(ms),
  runAllTimers: () => timers().runAll(),
  runOnlyPendingTimers: () => timers().runAll(),
  async advanceTimersByTimeAsync(ms) {
    timers().tick(ms);
    for (let i = 0; i < 10; i++) await null;
  },
  setTimeout: () => library,
};

module.exports = { mocking: library };
