'use strict';
// The answer, as tests import it: what it exports, else what it defines.

/** The answer as a module. A function that it exports is the module itself, as it would be. */
function answerModule(judge) {
  const exported = judge.decode(judge.ask({ op: 'exports' }).ok);
  const callable = typeof exported === 'function';
  judge.assertions.uses.trust(exported);
  const find = (name) => {
    if (typeof name !== 'string' || name === '__esModule') return { found: false };
    const has = exported !== null && (callable || typeof exported === 'object') && name in exported;
    if (has && exported[name] !== undefined) {
      judge.assertions.uses.trust(exported[name]);
      return { found: true, value: exported[name] };
    }
    return judge.lookup(name);
  };
  return new Proxy(callable ? exported : {}, {
    get: (target, name) => {
      if (callable && (typeof name !== 'string' || name in Function.prototype || name === 'prototype'))
        return Reflect.get(target, name);
      return find(name).value;
    },
    has: (_t, name) => find(name).found,
    ownKeys: (target) => (callable ? Reflect.ownKeys(target) : Object.keys(exported ?? {})),
    // Static imports look for own properties.
    getOwnPropertyDescriptor(target, name) {
      if (callable) return Reflect.getOwnPropertyDescriptor(target, name);
      const { found, value } = find(name);
      return found ? { value, writable: true, enumerable: true, configurable: true } : undefined;
    },
  });
}

/** `require` for tests; `default` is for `import x from`, `dynamic` for `import()`. */
function requireOf(load) {
  const isAnswer = (name) => /^(\.{1,2}\/|(answer|solution|submission)$)/.test(name);
  const defaultOf = (name, as) => {
    const module = load(name);
    if (!isAnswer(name) || typeof module === 'function') return module;
    if (module.default !== undefined) return module.default;
    const value = as === null ? undefined : module[as];
    return value === undefined || Object.keys(module).includes(as) ? module : value;
  };
  return Object.assign((name) => load(name), {
    default: defaultOf,
    async dynamic(name) {
      const module = load(name);
      return isAnswer(name)
        ? { __proto__: module, default: defaultOf(name, null) }
        : { ...module, default: module };
    },
  });
}

module.exports = { answerModule, requireOf };
