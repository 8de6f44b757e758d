'use strict';
// What tests change around the answer, whose process is another one.

const TIMERS = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
];
const CONSOLE = ['log', 'error', 'warn', 'info', 'debug'].map((n) => `console.${n}`);
const GLOBALS = [
  'Date',
  'Date.now',
  'Math.random',
  'fetch',
  'performance.now',
  'queueMicrotask',
  ...TIMERS,
  ...CONSOLE,
];
/** What nothing here carries over: a failure may be the harness's then. */
const NOT_CARRIED = [
  /\b((?:jest|vi)\.(?:mock|doMock|resetModules|isolateModules))\s*\(/,
  /\b(new Proxy|new WeakRef|new FinalizationRegistry|Function\.prototype\.toString)\b/,
  /['"](?:node:)?(vm|worker_threads|cluster|async_hooks|v8)['"]/,
  /\b(process\.(?:memoryUsage|emit|exitCode)|require\.cache|global\.gc)\b/,
];

/** What tests do that cannot reach the answer, in their own words; null when there is nothing. */
function notCarried(text) {
  for (const pattern of NOT_CARRIED) {
    const found = pattern.exec(text);
    if (found) return found[1];
  }
  return null;
}

/** Compares, before each question, what the tests may have changed. */
class Surroundings {
  constructor(text) {
    this.places = GLOBALS.map((path) => {
      const names = path.split('.');
      const name = names.pop();
      const owner = names.reduce((o, k) => o[k], globalThis);
      return { path, owner, name, original: owner[name], sent: owner[name] };
    });
    this.env = /\benv\b/.test(text) ? JSON.stringify(process.env) : null;
    this.patches = /\bmock\b|\bspyOn\b|\.\w+\s*=[^=>]/.test(text);
    this.modules = new Set();
  }

  /** A module of the language that the tests loaded; they may patch it. */
  watch(name, module) {
    const bare = name.replace(/^node:/, '');
    if (!this.patches || this.modules.has(bare) || /^(assert|test|util)/.test(bare)) return;
    if (!require('node:module').isBuiltin(`node:${bare}`) || module === null || typeof module !== 'object')
      return;
    this.modules.add(bare);
    for (const [key, value] of Object.entries(module))
      if (typeof value === 'function')
        this.places.push({ path: `${bare}:${key}`, owner: module, name: key, original: value, sent: value });
  }

  /** What has changed since the last question; undefined for nothing. */
  changes(judge) {
    const patches = [];
    for (const place of this.places) {
      const now = place.owner[place.name];
      if (now === place.sent) continue;
      place.sent = now;
      patches.push(
        now === place.original ? { path: place.path } : { path: place.path, v: judge.encode(now) },
      );
    }
    const env = this.env === null ? null : JSON.stringify(process.env);
    if (env === this.env) return patches.length > 0 ? { patches } : undefined;
    this.env = env;
    return { patches, env: { ...process.env } };
  }
}

module.exports = { Surroundings, notCarried };
