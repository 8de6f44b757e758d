'use strict';
// Functions and objects of the tests, as the answer sees them, and what came of assertions in those.

/** A function of the tests: called with its `this`, or constructed, in the tests' process. */
function testsFunction(side, { t, name, length }) {
  const f = function (...args) {
    if (new.target) return side.askTests({ cb: t, do: 'new', args });
    const self = this === globalThis ? undefined : this;
    return side.askTests({ cb: t, do: 'call', self: side.encode(self), args });
  };
  // What curries looks at the one, what registers functions at the other.
  for (const [key, value] of Object.entries({ name, length }))
    Object.defineProperty(f, key, { value, configurable: true });
  return f;
}

/** An object of a class of the tests. */
function testsObject(side, m) {
  const ask = (what, key, args = []) => side.askTests({ cb: m.t, do: what, key, args });
  const keys = () => ask('keys').filter((k) => typeof k === 'string');
  return new Proxy(
    {},
    {
      get(_t, key) {
        if (key === Symbol.iterator) return m.iter ? () => ask('iterate') : undefined;
        if (key === Symbol.asyncIterator) return m.aiter ? () => ask('aiterate') : undefined;
        return typeof key === 'string' ? ask('get', key) : undefined;
      },
      set: (_t, key, value) => (ask('set', String(key), [value]), true),
      has: (_t, key) => typeof key === 'string' && ask('has', key) === true,
      deleteProperty: (_t, key) => (ask('delete', String(key)), true),
      ownKeys: keys,
      getOwnPropertyDescriptor: (_t, key) =>
        keys().includes(key)
          ? { value: ask('get', key), writable: true, enumerable: true, configurable: true }
          : undefined,
    },
  );
}

const REACHABLE = new Set(['get', 'set', 'has', 'delete']);

/** What an answer may do with an object of the tests, done: never a way to constructors or hidden properties. */
function serveObject(target, m, args) {
  const { key } = m;
  if (REACHABLE.has(m.do) && (typeof key !== 'string' || key === 'constructor' || key.startsWith('_')))
    return undefined;
  switch (m.do) {
    case 'get':
      return target[key];
    case 'set':
      // Never a method of its class replaced.
      if (Object.hasOwn(target, key) || typeof target[key] !== 'function') target[key] = args[0];
      return undefined;
    case 'has':
      return key in target;
    case 'delete':
      return delete target[key];
    case 'keys':
      return Object.keys(target).filter((k) => !k.startsWith('_'));
    case 'iterate':
      return target[Symbol.iterator]();
    case 'aiterate':
      return target[Symbol.asyncIterator]();
    default:
      return undefined;
  }
}

/** Methods of arrays and texts whose word tests take for what is in there. */
const TELLING_METHODS = new Set(
  'every some includes indexOf lastIndexOf find findIndex findLast findLastIndex forEach reduce reduceRight join sort toSorted startsWith endsWith match matchAll search at charAt charCodeAt codePointAt localeCompare trim trimStart trimEnd toUpperCase toLowerCase split substring padStart padEnd normalize'.split(
    ' ',
  ),
);
const isOfLists = (key) => /^\d+$/.test(key) || key in Array.prototype || key in String.prototype;
/** What is read of any object in passing. */
const PASSING = /^(then|toJSON|inspect|asymmetricMatch|nodeType|\$\$typeof)$/;

/**
 * Which properties the tests use of objects that the answer made. One of which they use nothing but what arrays and
 * texts have may stand in the place of an array: what its methods say shows nothing.
 */
class Uses {
  constructor() {
    /** The telling methods that were called, of objects of which nothing else was used so far. */
    this.told = new Map();
    /** Objects that the tests know for what they are: by a name of the answer's, or by their other properties. */
    this.trusted = new WeakSet();
  }

  trust(v) {
    if (v === null || typeof v !== 'object') return;
    this.trusted.add(v);
    this.told.delete(v);
  }

  note(object, key) {
    if (this.trusted.has(object) || PASSING.test(key)) return;
    if (!isOfLists(key)) this.trust(object);
    else if (TELLING_METHODS.has(key)) this.told.set(object, key);
  }

  /** A call of a function as a method of plain data. */
  noteCall(object, f) {
    const key = Object.keys(object).find((k) => object[k] === f);
    if (key !== undefined) this.note(object, key);
  }

  /** A method that was believed for no good reason; null when there is none. */
  believed(text) {
    // Where tests read plain data is not seen.
    const reads = (key) => !isOfLists(key) && new RegExp(`\\.${key}\\b(?!\\s*\\()`).test(text);
    for (const [object, key] of this.told)
      if (!Object.keys(object).some((k) => /^\w+$/.test(k) && reads(k))) return key;
    return null;
  }
}

/**
 * The assertions of the tests. Those that fail in a function of the tests which the answer calls are remembered: an
 * answer may catch what they throw. What comes back to the tests is theirs again, who may have wanted it.
 */
class Assertions {
  constructor() {
    this.made = 0;
    /** Whether the tests have a library of assertions; otherwise they throw by themselves. */
    this.loaded = false;
    /** What the tests use of a test library and is not here; null when there is nothing. */
    this.missing = null;
    /** Functions that the answer got, and calls of them. */
    this.handed = 0;
    this.called = 0;
    this.uses = new Uses();
    this.failures = new WeakSet();
    this.thrown = new WeakSet();
    this.hidden = new Map();
  }

  /** An assertion that counts: `check` throws when it does not hold. */
  make(check) {
    this.made++;
    try {
      return check();
    } catch (e) {
      if (e !== null && typeof e === 'object') this.failures.add(e);
      throw e;
    }
  }

  /** `require('node:assert')` whose assertions count. */
  counting(library) {
    this.loaded = true;
    const count = (f, self, args) => {
      const made = this.make(() => Reflect.apply(f, self, args));
      // `rejects` and its like tell later; whom nobody waits for must stay unhandled.
      if (!(made instanceof Promise)) return made;
      return made.catch((e) => {
        this.failures.add(e);
        throw e;
      });
    };
    const known = new Map();
    const wrap = (f) => {
      if (!known.has(f))
        known.set(f, new Proxy(f, { get, apply: (target, self, args) => count(target, self, args) }));
      return known.get(f);
    };
    // Functions with a small first letter are assertions, the others classes.
    const get = (target, key) => {
      const value = Reflect.get(target, key);
      return typeof value === 'function' && typeof key === 'string' && /^[a-z]/.test(key) && key in library
        ? wrap(value)
        : value;
    };
    return wrap(library);
  }

  failedIn({ cb, args }, e) {
    if (e === null || typeof e !== 'object') return;
    this.thrown.add(e);
    if (e.code === 'ERR_ASSERTION' || e.matcherResult) this.failures.add(e);
    if (this.failures.has(e)) this.hidden.set(e, { cb, given: args.length > 0, again: false });
  }

  /** A function of the tests came to its end: then an earlier failure in it may have been wanted, as in a retry. */
  heldIn(cb) {
    for (const failure of this.hidden.values()) if (failure.cb === cb) failure.again = true;
  }

  /** An error has reached the tests, whose matter it is now. */
  reached(e) {
    this.hidden.delete(e);
  }

  /** An error that nobody in the answer's process caught; whether it is one of the tests that counts. */
  isEscape(e, rejected) {
    return (rejected ? this.failures : this.thrown).has(e);
  }

  /** A failure that only the answer has seen, and nothing took back; undefined when there is none. */
  hiddenFailure() {
    for (const [e, { given, again }] of this.hidden) if (given && !again) return e;
    return undefined;
  }

  /** Why tests that passed have not shown anything; null when they have. */
  objection(text, explain) {
    const hidden = this.hiddenFailure();
    if (hidden) return { status: 'failed', ...explain(hidden) };
    if (this.hidden.size > 0)
      return { status: 'empty', message: 'the answer caught a failed assertion of the tests' };
    const throwing = !this.loaded || /\bthrow\b|\bexit\s*\(|\bfail\s*\(/.test(text);
    const idle = this.made === 0 && (throwing ? this.handed > 0 && this.called === 0 : true);
    if (idle) return { status: 'empty', message: 'the tests checked nothing of the answer' };
    const method = this.uses.believed(text);
    return method === null
      ? null
      : {
          status: 'empty',
          message: `the tests believed ${method}(), which the answer put on an object of its own`,
        };
  }
}

module.exports = { Assertions, serveObject, testsFunction, testsObject };
