'use strict';
// What names mean in the tests, and what results are worth.
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

module.exports = { explain, same, scopeOf };
