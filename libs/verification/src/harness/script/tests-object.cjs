'use strict';
// Functions and objects of the tests, as the answer sees them.

/** A function of the tests: called with its `this`, or constructed, in the tests' process. */
function testsFunction(side, t) {
  return function (...args) {
    if (new.target) return side.askTests({ cb: t, do: 'new', args });
    const self = this === globalThis ? undefined : this;
    return side.askTests({ cb: t, do: 'call', self: side.encode(self), args });
  };
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

module.exports = { serveObject, testsFunction, testsObject };
