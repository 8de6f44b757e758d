'use strict';
// Tests written for a test library: `describe`, `test`, `expect` and their like, as far as tests of functions use them.
const util = require('node:util');
const { explain } = require('./scope.cjs');
const { AnswerDied } = require('./died.cjs');

/** `describe`, `test`, `expect` and their like, as far as tests of single functions use them. */
function testGlobals(collected, text) {
  const mocking = /\b(jest|vi)\.\w/.test(text) ? require('./mocks.cjs').mocking : null;
  const hooks = { before: [], after: [] };
  const add = (name, run) =>
    void collected.push({ name: String(name), run, before: [...hooks.before], after: hooks.after });
  const each = (rows) => (name, run) =>
    rows.forEach((row) => add(name, () => run(...(Array.isArray(row) ? row : [row]))));
  const test = Object.assign(add, { each, skip: () => undefined, only: add });
  const describe = Object.assign((_name, body) => void body(), { skip: () => undefined });
  const before = (hook) => void hooks.before.push(hook);
  return {
    ...(mocking ? { jest: mocking, vi: mocking } : {}),
    test,
    it: test,
    describe,
    suite: describe,
    expect,
    beforeEach: before,
    beforeAll: before,
    before,
    afterEach: () => undefined,
    afterAll: () => undefined,
  };
}

/** Runs the collected tests; `null` when there are none. */
async function runCollected(collected) {
  if (collected.length === 0) return null;
  const failures = [];
  for (const { name, run, before } of collected) {
    try {
      for (const hook of before) await hook();
      await run();
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      failures.push({ test: name.slice(0, 200), ...explain(e) });
    }
  }
  const total = collected.length;
  return {
    status: failures.length === 0 ? 'passed' : 'failed',
    passed: total - failures.length,
    total,
    failures: failures.slice(0, 5),
  };
}

/** Whether a value has everything that `want` has. */
function matches(got, want) {
  if (want === null || typeof want !== 'object' || Array.isArray(want))
    return util.isDeepStrictEqual(got, want);
  return got !== null && typeof got === 'object' && Object.keys(want).every((k) => matches(got[k], want[k]));
}

const MATCHERS = {
  toBe: (got, want) => Object.is(got, want),
  toEqual: (got, want) => util.isDeepStrictEqual(got, want),
  toStrictEqual: (got, want) => util.isDeepStrictEqual(got, want),
  toBeCloseTo: (got, want, digits = 2) => Math.abs(got - want) < 10 ** -digits / 2,
  toBeTruthy: (got) => Boolean(got),
  toBeFalsy: (got) => !got,
  toBeNull: (got) => got === null,
  toBeUndefined: (got) => got === undefined,
  toBeDefined: (got) => got !== undefined,
  toBeNaN: (got) => Number.isNaN(got),
  toBeGreaterThan: (got, want) => got > want,
  toBeGreaterThanOrEqual: (got, want) => got >= want,
  toBeLessThan: (got, want) => got < want,
  toBeLessThanOrEqual: (got, want) => got <= want,
  toContain: (got, want) => (typeof got === 'string' ? got.includes(want) : Array.from(got).includes(want)),
  toContainEqual: (got, want) => Array.from(got).some((v) => util.isDeepStrictEqual(v, want)),
  toHaveLength: (got, want) => got.length === want,
  toHaveProperty: (got, want) =>
    String(want)
      .split('.')
      .reduce((v, k) => v?.[k], got) !== undefined,
  toMatch: (got, want) => (typeof want === 'string' ? got.includes(want) : want.test(got)),
  toBeInstanceOf: (got, want) => got instanceof want,
  toHaveBeenCalled: (got) => got.mock.calls.length > 0,
  toHaveBeenCalledTimes: (got, want) => got.mock.calls.length === want,
  toHaveBeenCalledWith: (got, ...want) => got.mock.calls.some((c) => util.isDeepStrictEqual(c, want)),
  toHaveBeenLastCalledWith: (got, ...want) => util.isDeepStrictEqual(got.mock.calls.at(-1), want),
  toHaveBeenNthCalledWith: (got, n, ...want) => util.isDeepStrictEqual(got.mock.calls[n - 1], want),
  toHaveReturnedWith: (got, want) => got.mock.results.some((r) => util.isDeepStrictEqual(r.value, want)),
  toMatchObject: (got, want) => matches(got, want),
  toThrow: (got, want) => {
    try {
      got();
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      if (want === undefined) return true;
      if (typeof want === 'function') return e instanceof want;
      return want instanceof RegExp ? want.test(e.message) : e.message.includes(want.message ?? want);
    }
    return false;
  },
};
MATCHERS.toThrowError = MATCHERS.toThrow;

function expect(got) {
  const matchers = (wanted) =>
    Object.fromEntries(
      Object.entries(MATCHERS).map(([name, holds]) => [
        name,
        (...args) => {
          if (Boolean(holds(got, ...args)) === wanted) return;
          const shown = [got, ...args].map((v) => util.inspect(v).slice(0, 200));
          throw new Error(`expected ${shown[0]} ${wanted ? '' : 'not '}${name} ${shown.slice(1).join(', ')}`);
        },
      ]),
    );
  const settled = (wanted) =>
    new Proxy(
      {},
      {
        get:
          (_t, name) =>
          async (...args) => {
            const outcome = await Promise.resolve(got).then(
              (v) => ['resolves', v],
              (e) => ['rejects', e],
            );
            if (outcome[0] !== wanted) throw new Error(`expected a promise that ${wanted}`);
            const value = name.startsWith('toThrow')
              ? () => {
                  throw outcome[1];
                }
              : outcome[1];
            return expect(value)[name](...args);
          },
      },
    );
  return {
    ...matchers(true),
    not: matchers(false),
    resolves: settled('resolves'),
    rejects: settled('rejects'),
  };
}

module.exports = { runCollected, testGlobals };
