'use strict';
// What names mean in the tests, and what results are worth.
const util = require('node:util');
const { AnswerDied } = require('./died.cjs');
const { own } = require('./values.cjs');

/** Scope of the tests: their own names, then the language's, then those of the answer. */
function scopeOf(judge, locals) {
  const cache = new Map();
  const find = (name) => {
    if (typeof name !== 'string') return { found: false };
    if (own(locals, name)) return { found: true, value: locals[name] };
    if (name in globalThis || name === 'undefined') return { found: false };
    const known = cache.get(name);
    if (known) return known;
    const result = judge.lookup(name);
    // Values may change between two looks; functions and absences do not matter.
    if (!result.found || typeof result.value === 'function') cache.set(name, result);
    return result;
  };
  return new Proxy(Object.create(null), {
    has: (_t, name) => find(name).found,
    get: (_t, name) => (name === Symbol.unscopables ? undefined : find(name).value),
    set: (_t, name, value) => {
      locals[name] = value;
      return true;
    },
  });
}

const explain = (e) => ({
  message: (e instanceof Error ? `${e.name}: ${e.message}` : `thrown: ${String(e)}`).slice(0, 500),
  line: Number(/tests\.js:(\d+)/.exec(String(e?.stack))?.[1] ?? 0) || null,
});

/** Numbers nearly, everything else as node:assert's deep equality has it; text also as it is printed. */
function same(value, want, util) {
  if (typeof value === 'number' && typeof want === 'number') {
    return Object.is(value, want) || Math.abs(value - want) <= 1e-9 + 1e-6 * Math.abs(want);
  }
  if (Array.isArray(value) && Array.isArray(want))
    return value.length === want.length && value.every((v, i) => same(v, want[i], util));
  return util.isDeepStrictEqual(value, want);
}

/** A place in an expected value where anything will do that holds: `expect.any(Number)`. */
class Asymmetric {
  constructor(holds) {
    this.holds = holds;
  }
}

const isObject = (v) => v !== null && typeof v === 'object';
const isPlain = (v) => isObject(v) && (Array.isArray(v) || Object.getPrototypeOf(v) === Object.prototype);

/** What is expected, with its asymmetric places filled by what came where that holds. `loose`: see toEqual. */
function fitted(got, want, loose, above = []) {
  if (want instanceof Asymmetric) return want.holds(got) ? got : want;
  if (!isPlain(want) || !isObject(got) || above.includes(want)) return want;
  const inside = [...above, want];
  if (Array.isArray(want)) return Array.from(want, (w, i) => fitted(got[i], w, loose, inside));
  const filled = {};
  for (const [k, w] of Object.entries(want))
    if (!loose || w !== undefined || own(got, k)) filled[k] = fitted(got[k], w, loose, inside);
  if (loose) for (const [k, g] of Object.entries(got)) if (g === undefined) filled[k] = undefined;
  return filled;
}

const strictly = (got, want) => util.isDeepStrictEqual(got, fitted(got, want, false));

/** As `toEqual` has it: neither properties without a value nor the class of an object matter. */
function equals(got, want) {
  const filled = fitted(got, want, true);
  if (util.isDeepStrictEqual(got, filled)) return true;
  const tag = (v) => Object.prototype.toString.call(v);
  if (!isPlain(filled) || !isObject(got) || tag(got) !== tag(filled)) return false;
  const keys = Object.keys(got);
  return (
    keys.length === Object.keys(filled).length &&
    keys.every((k) => own(filled, k) && equals(got[k], filled[k])) &&
    (!Array.isArray(filled) || (Array.isArray(got) && got.length === filled.length))
  );
}

/** Whether a value has everything that `want` has. */
function matches(got, want) {
  if (!isObject(want) || Array.isArray(want) || want instanceof Asymmetric) return equals(got, want);
  return isObject(got) && Object.keys(want).every((k) => matches(got[k], want[k]));
}

/** As `expect.any` has it: 1 is a Number, and every object an Object. */
function isA(v, cls) {
  if (cls === Object) return isObject(v);
  const kind = typeof v;
  return kind === 'object' || kind === 'function' ? v instanceof cls : v.constructor === cls;
}

/** Values for places in expected values. */
const ASYMMETRIC = {
  any: (cls) => (v) => v !== null && v !== undefined && isA(v, cls),
  anything: () => (v) => v !== null && v !== undefined,
  objectContaining: (want) => (v) =>
    isObject(v) && Object.keys(want).every((k) => k in v && equals(v[k], want[k])),
  arrayContaining: (want) => (v) => Array.isArray(v) && want.every((w) => v.some((x) => equals(x, w))),
  stringContaining: (part) => (v) => typeof v === 'string' && v.includes(part),
  stringMatching: (pattern) => (v) => typeof v === 'string' && new RegExp(pattern).test(v),
  closeTo:
    (want, digits = 2) =>
    (v) =>
      typeof v === 'number' && Math.abs(v - want) < 10 ** -digits / 2,
};
const asymmetric = (wanted) =>
  Object.fromEntries(
    Object.entries(ASYMMETRIC).map(([name, make]) => [
      name,
      (...args) => {
        const holds = make(...args);
        return new Asymmetric((v) => holds(v) === wanted);
      },
    ]),
  );

/** The property at `a.b.0`, or at a list of keys; undefined when there is none. */
function propertyAt(got, path) {
  const keys = Array.isArray(path)
    ? path
    : String(path)
        .replace(/\[(\w+)\]/g, '.$1')
        .split('.');
  return keys.reduce((v, k) => v?.[k], got);
}

const MATCHERS = {
  toBe: (got, want) => Object.is(got, want),
  toEqual: equals,
  toStrictEqual: strictly,
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
  toContainEqual: (got, want) => Array.from(got).some((v) => equals(v, want)),
  toHaveLength: (got, want) => got.length === want,
  toHaveProperty: (got, path, ...want) => {
    const value = propertyAt(got, path);
    return want.length > 0 ? equals(value, want[0]) : value !== undefined;
  },
  toBeTypeOf: (got, want) => typeof got === want,
  toMatch: (got, want) => (typeof want === 'string' ? got.includes(want) : want.test(got)),
  toBeInstanceOf: (got, want) => got instanceof want,
  toHaveBeenCalled: (got) => got.mock.calls.length > 0,
  toHaveBeenCalledTimes: (got, want) => got.mock.calls.length === want,
  toHaveBeenCalledWith: (got, ...want) => got.mock.calls.some((c) => equals(c, want)),
  toHaveBeenLastCalledWith: (got, ...want) => equals(got.mock.calls.at(-1), want),
  toHaveBeenNthCalledWith: (got, n, ...want) => equals(got.mock.calls[n - 1], want),
  toHaveReturnedWith: (got, want) => got.mock.results.some((r) => equals(r.value, want)),
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
for (const [alias, name] of [
  ['toThrowError', 'toThrow'],
  ['toBeCalled', 'toHaveBeenCalled'],
  ['toBeCalledTimes', 'toHaveBeenCalledTimes'],
  ['toBeCalledWith', 'toHaveBeenCalledWith'],
  ['lastCalledWith', 'toHaveBeenLastCalledWith'],
  ['nthCalledWith', 'toHaveBeenNthCalledWith'],
])
  MATCHERS[alias] = MATCHERS[name];

module.exports = { MATCHERS, asymmetric, explain, same, scopeOf };
