'use strict';
// What the answer's process takes over from that of the tests, and what it adds to the language.
const { TELLING } = require('./shared-data.cjs');

const BUILT_IN = [
  'Array',
  'String',
  'Number',
  'Function',
  'Map',
  'Set',
  'Promise',
  'Date',
  'RegExp',
  'Object',
  'Math',
];

/** Owner and name of a patch: `Date.now`, `fetch`, `fs:readFileSync`. */
function placeOf(path) {
  const [module, inModule] = path.split(':');
  if (inModule !== undefined) return [require(`node:${module}`), inModule];
  const names = path.split('.');
  const name = names.pop();
  return [names.reduce((o, k) => o[k], globalThis), name];
}

/** Makes the surroundings of the answer those of the tests. */
function adopt(side, state) {
  if (state.env) {
    for (const k of Object.keys(process.env)) if (!(k in state.env)) delete process.env[k];
    Object.assign(process.env, state.env);
  }
  for (const patch of state.patches ?? []) {
    const [owner, name] = placeOf(patch.path);
    if ('v' in patch) {
      if (!side.patched.has(patch.path)) side.patched.set(patch.path, owner[name]);
      owner[name] = side.decode(patch.v);
    } else if (side.patched.has(patch.path)) {
      owner[name] = side.patched.get(patch.path);
      side.patched.delete(patch.path);
    }
  }
}

const BOTH = (built) => [
  ['prototype', globalThis[built].prototype],
  ['', globalThis[built]],
];

/** Names of everything on the classes of the language. */
function inventory() {
  const known = new Map();
  for (const built of BUILT_IN)
    for (const [where, owner] of BOTH(built))
      if (owner) known.set(`${built} ${where}`, new Set(Object.getOwnPropertyNames(owner)));
  return known;
}

/** Functions that the answer has put on classes of the language since an inventory. */
function additions(side, known) {
  const found = [];
  for (const built of BUILT_IN) {
    for (const [where, owner] of BOTH(built)) {
      const before = known.get(`${built} ${where}`);
      for (const name of before ? Object.getOwnPropertyNames(owner) : []) {
        const value = before.has(name) ? null : Object.getOwnPropertyDescriptor(owner, name).value;
        if (typeof value === 'function' && found.length < 100)
          found.push([built, where, name, side.encodeObject(value)]);
      }
    }
  }
  return found;
}

/** Puts on the classes of the tests what the answer put on its own: new names that the tests use, and only those. */
function putAdditions(judge, found, text) {
  for (const [built, where, name, ref] of Array.isArray(found) ? found : []) {
    const owner = BUILT_IN.includes(built) ? BOTH(built).find(([w]) => w === where)?.[1] : undefined;
    if (!owner || typeof name !== 'string' || !/^[a-z]\w*$/i.test(name)) continue;
    if (owner === Object.prototype || name in owner || TELLING.has(name)) continue;
    if (!new RegExp(`\\.${name}\\b`).test(text)) continue;
    const { h } = ref;
    Object.defineProperty(owner, name, {
      value(...args) {
        return judge.call('call', h, args, this);
      },
      configurable: true,
      writable: true,
    });
  }
}

module.exports = { additions, adopt, inventory, putAdditions };
