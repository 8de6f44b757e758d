'use strict';
// Runs JavaScript tests against an answer without letting the answer near the tests: two processes, as in
// python_harness.py. The judge holds tests and token and alone can reach stdout; the candidate executes the
// answer. Values cross as plain data. Four pipes: calls (judge → candidate), replies (candidate → judge, read
// blocking, since tests call functions and expect results), events (candidate → judge, read when idle:
// promises and callbacks that come later), answers (judge → candidate, read blocking: results of callbacks).
const util = require('node:util');

const MAX_MESSAGE = 64 * 1024 * 1024;
const MAX_DEPTH = 150;
const MAX_OUTPUT = 65536;
const ERRORS = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
};
const own = (o, k) => Object.prototype.hasOwnProperty.call(o, k);

class AnswerDied extends Error {}

// ---------------------------------------------------------------- values as JSON

const isPlain = (v) => {
  const p = Object.getPrototypeOf(v);
  return p === null || p === Object.prototype;
};
/** Own enumerable data properties only: anything else makes an object live, and live objects stay where they are. */
const isData = (v) =>
  Object.getOwnPropertySymbols(v).length === 0 &&
  Object.entries(Object.getOwnPropertyDescriptors(v)).every(
    ([, d]) => d.enumerable && own(d, 'value') && typeof d.value !== 'function',
  );

const TYPED = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
};

function encode(v, side, depth = 0, seen = []) {
  switch (typeof v) {
    case 'string':
    case 'boolean':
      return v;
    case 'number':
      return Number.isFinite(v) && !Object.is(v, -0) ? v : { n: Object.is(v, -0) ? '-0' : String(v) };
    case 'undefined':
      return { u: 1 };
    case 'bigint':
      return { big: v.toString() };
    case 'symbol':
      return { sym: String(v.description) };
  }
  if (v === null) return null;
  if (typeof v === 'function' || depth > MAX_DEPTH || seen.includes(v)) return side.encodeObject(v);
  const known = side.knownObject(v);
  if (known) return known;
  const inner = (x) => encode(x, side, depth + 1, [...seen, v]);
  if (Array.isArray(v)) {
    if (Object.getPrototypeOf(v) !== Array.prototype && side.keepsClasses) return side.encodeObject(v);
    const items = [];
    for (let i = 0; i < v.length; i++) items.push(i in v ? inner(v[i]) : { hole: 1 });
    return { a: items };
  }
  const tag = Object.prototype.toString.call(v).slice(8, -1);
  if (v instanceof Map && Object.getPrototypeOf(v) === Map.prototype)
    return { map: Array.from(v, ([k, x]) => [inner(k), inner(x)]) };
  if (v instanceof Set && Object.getPrototypeOf(v) === Set.prototype) return { set: Array.from(v, inner) };
  if (v instanceof Date && Object.getPrototypeOf(v) === Date.prototype) return { date: v.getTime() };
  if (v instanceof RegExp) return { re: [v.source, v.flags] };
  if (own(TYPED, tag) && v instanceof TYPED[tag]) return { ta: [tag, Array.from(v, inner)] };
  if (v instanceof Promise) return side.encodePromise(v);
  if (v instanceof Error) return { err: encodeError(v, side) };
  if (isPlain(v) && isData(v))
    return { o: Object.entries(v).map(([k, x]) => [k, inner(x)]), null: Object.getPrototypeOf(v) === null };
  return side.encodeObject(v);
}

function decode(m, side) {
  if (m === null || typeof m !== 'object') return m;
  const d = (x) => decode(x, side);
  if ('n' in m) return Number(m.n);
  if ('u' in m) return undefined;
  if ('big' in m) return BigInt(m.big);
  if ('sym' in m) return Symbol(m.sym);
  if ('a' in m) {
    const list = [];
    m.a.forEach((x, i) => {
      if (x !== null && typeof x === 'object' && 'hole' in x) list.length = i + 1;
      else list[i] = d(x);
    });
    return list;
  }
  if ('map' in m) return new Map(m.map.map(([k, x]) => [d(k), d(x)]));
  if ('set' in m) return new Set(m.set.map(d));
  if ('date' in m) return new Date(m.date === null ? NaN : m.date);
  if ('re' in m) return new RegExp(m.re[0], m.re[1]);
  if ('ta' in m && own(TYPED, m.ta[0])) return TYPED[m.ta[0]].from(m.ta[1].map(d));
  if ('err' in m) return decodeError(m.err, side);
  if ('o' in m) {
    const object = m.null ? Object.create(null) : {};
    for (const [k, x] of m.o)
      Object.defineProperty(object, k, { value: d(x), writable: true, enumerable: true, configurable: true });
    return object;
  }
  return side.decodeObject(m);
}

function encodeError(e, side) {
  if (!(e instanceof Error)) return { thrown: encode(e, side) };
  const chain = [];
  for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    const c = own(p, 'constructor') ? p.constructor : null;
    if (typeof c === 'function') chain.push(String(c.name));
  }
  const props = Object.entries(e).filter(([, v]) => typeof v !== 'function' && typeof v !== 'object');
  const cls = e.constructor;
  const ownClass = typeof cls === 'function' && !Object.values(ERRORS).includes(cls);
  return {
    name: String(e.name),
    message: String(e.message),
    chain,
    props: props.map(([k, v]) => [k, encode(v, side)]),
    cls: ownClass && side.keepsClasses ? side.encodeObject(cls) : null,
  };
}

function decodeError(m, side) {
  if ('thrown' in m) return decode(m.thrown, side);
  const builtin = ERRORS[m.chain.find((n) => own(ERRORS, n))] ?? Error;
  const error = builtin === AggregateError ? new AggregateError([], m.message) : new builtin(m.message);
  for (const [k, v] of m.props) if (k !== '__proto__') error[k] = decode(v, side);
  if (m.cls) {
    const mirrored = decode(m.cls, side);
    Object.setPrototypeOf(error, side.prototypeOf(mirrored, builtin.prototype));
  }
  if (error.name !== m.name)
    Object.defineProperty(error, 'name', { value: m.name, configurable: true, writable: true });
  return error;
}

// ---------------------------------------------------------------- the candidate's side

class Candidate {
  constructor(link) {
    this.link = link; // { ask(message): reply, while the judge waits; tell(message) }
    this.objects = [];
    this.ids = new Map();
    this.out = '';
    this.kept = 0;
    this.args = null;
    this.keepsClasses = true;
  }

  idOf(v) {
    if (!this.ids.has(v)) {
      this.ids.set(v, this.objects.length);
      this.objects.push(v);
    }
    return this.ids.get(v);
  }

  knownObject(v) {
    const index = this.args ? this.args.indexOf(v) : -1;
    return index >= 0 ? { arg: index } : null;
  }

  encodeObject(v) {
    const m = { h: this.idOf(v) };
    if (typeof v === 'function') {
      m.fn = 1;
      m.name = String(v.name);
      m.length = Number(v.length) || 0;
      m.error = v.prototype instanceof Error ? 1 : 0;
    } else {
      const cls = v.constructor;
      m.name = typeof cls === 'function' ? String(cls.name) : 'Object';
      m.of = typeof cls === 'function' && cls !== Object ? this.idOf(cls) : null;
      m.iter = typeof v[Symbol.iterator] === 'function' ? 1 : 0;
      m.aiter = typeof v[Symbol.asyncIterator] === 'function' ? 1 : 0;
    }
    return m;
  }

  encodePromise(v) {
    return { p: this.idOf(v) };
  }

  decodeObject(m) {
    if ('h' in m || 'p' in m) return this.objects[m.h ?? m.p];
    if ('t' in m) return this.judgeObject(m);
    return undefined;
  }

  prototypeOf(_mirrored, fallback) {
    return fallback;
  }

  /** A function or an object of the tests. */
  judgeObject(m) {
    const call = (path, args) => {
      const reply = this.link.ask({
        cb: m.t,
        path,
        args: args.map((a) => encode(a, this)),
        out: this.takeOutput(),
      });
      if (reply.err) throw decodeError(reply.err, this);
      return decode(reply.ok, this);
    };
    if (m.fn) return (...args) => call(null, args);
    if (m.promise) {
      return new Promise((resolve, reject) => {
        this.waiting ??= new Map();
        this.waiting.set(m.t, { resolve, reject });
        this.link.tell({ watch: m.t });
      });
    }
    return new Proxy(
      {},
      {
        get: (_t, key) => (typeof key === 'string' ? call(key, []) : undefined),
        set: (_t, key, value) => (call(`=${String(key)}`, [value]), true),
      },
    );
  }

  takeOutput() {
    const text = this.out;
    this.out = '';
    return text;
  }

  print(text) {
    if (this.kept >= MAX_OUTPUT) return;
    const part = String(text).slice(0, MAX_OUTPUT - this.kept);
    this.kept += part.length;
    this.out += part;
  }

  load(message) {
    const { programs, entry, typescript } = this.order ?? message;
    let error = null;
    let unfit = null;
    for (const [index, source] of programs.entries()) {
      let program;
      try {
        program = asScript(typescript ? withoutTypes(source) : source);
        new this.link.vm.Script(program, { filename: 'answer.js' });
      } catch (e) {
        error ??= `${e.name}: ${e.message}`;
        continue;
      }
      if (entry && !defines(program, entry)) {
        unfit ??= `${entry} is not defined`;
        continue;
      }
      this.program = program;
      return { ok: index };
    }
    return unfit ? { unfit } : { syntax: error ?? 'nothing to run' };
  }

  lookup(name) {
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return { missing: true };
    const has = this.link.evaluate(`typeof ${name} !== 'undefined'`);
    const exported = this.link.exports();
    if (has) return { ok: encode(this.link.evaluate(name), this) };
    if (exported !== null && (typeof exported === 'object' || typeof exported === 'function')) {
      if (typeof exported === 'function' && exported.name === name) return { ok: encode(exported, this) };
      if (name in exported) return { ok: encode(exported[name], this) };
    }
    return { missing: true };
  }

  perform(m) {
    switch (m.op) {
      case 'load':
        return this.load(m);
      case 'run':
        this.link.prepare?.();
        this.link.evaluate(this.program);
        return { ok: null };
      case 'get':
        return this.lookup(m.name);
      case 'exports':
        return { ok: encode(this.link.exports(), this) };
      case 'prop':
        return { ok: encode(this.objects[m.h][m.name], this) };
      case 'set':
        this.objects[m.h][m.name] = decode(m.v, this);
        return { ok: null };
      case 'keys':
        return { ok: Object.keys(this.objects[m.h]).map((k) => [k, encode(this.objects[m.h][k], this)]) };
      case 'has':
        return { ok: m.name in this.objects[m.h] };
      case 'delete':
        return { ok: delete this.objects[m.h][m.name] };
      case 'isa':
        return { ok: this.objects[m.h] instanceof this.objects[m.cls] };
      case 'iterate':
        return {
          ok: this.encodeObject(this.objects[m.h][m.async ? Symbol.asyncIterator : Symbol.iterator]()),
        };
      case 'call':
      case 'new':
        return this.call(m);
      case 'settle':
        this.objects[m.h].then(
          (v) => this.link.tell({ settled: m.h, ok: encode(v, this), out: this.takeOutput() }),
          (e) => this.link.tell({ settled: m.h, err: encodeError(e, this), out: this.takeOutput() }),
        );
        return { ok: null };
      case 'watched': {
        const waiting = this.waiting?.get(m.t);
        if (m.err) waiting?.reject(decodeError(m.err, this));
        else waiting?.resolve(decode(m.ok, this));
        return { ok: null };
      }
      default:
        throw new Error(`unknown operation ${m.op}`);
    }
  }

  call(m) {
    const f = this.objects[m.h];
    const args = m.args.map((a) => decode(a, this));
    const before = this.args;
    this.args = args.filter((a) => a !== null && typeof a === 'object');
    const all = args;
    try {
      const value =
        m.op === 'new'
          ? Reflect.construct(f, args)
          : Reflect.apply(f, m.self === null ? undefined : this.objects[m.self], args);
      this.args = all;
      const ok = encode(value, this);
      this.args = null;
      const changed = [];
      args.forEach((a, i) => {
        if (a === null || typeof a !== 'object' || typeof m.args[i] !== 'object') return;
        if (!['a', 'o', 'map', 'set', 'ta'].some((k) => own(m.args[i], k))) return;
        const now = encode(a, this);
        if (JSON.stringify(now) !== JSON.stringify(m.args[i])) changed.push([i, now]);
      });
      return changed.length > 0 ? { ok, changed } : { ok };
    } finally {
      this.args = before;
    }
  }

  handle(m) {
    let reply;
    try {
      reply = this.perform(m);
    } catch (e) {
      this.args = null;
      try {
        reply = { err: encodeError(e, this) };
      } catch {
        reply = {
          err: {
            name: 'Error',
            message: 'an error that cannot be shown',
            chain: ['Error'],
            props: [],
            cls: null,
          },
        };
      }
    }
    reply.out = this.takeOutput();
    return reply;
  }
}

/** Module syntax made script syntax, so that names at the top can be looked up afterwards. */
function asScript(source) {
  return source
    .replace(/^#!.*/, '')
    .replace(/^([ \t]*)export\s+default\s+(?=(async\s+)?function\*?\s+\w|class\s+\w)/gm, '$1')
    .replace(/^([ \t]*)export\s+default\s+/gm, '$1module.exports.default = ')
    .replace(/^([ \t]*)export\s+(?=(async\s+)?(function|class|const|let|var)\b)/gm, '$1')
    .replace(/^[ \t]*export\s*\{[^}]*\}\s*(from\s*['"][^'"]+['"])?\s*;?[ \t]*$/gm, '')
    .replace(/^[ \t]*import\s+\*\s+as\s+(\w+)\s+from\s*(['"][^'"]+['"])\s*;?/gm, 'const $1 = require($2);')
    .replace(/^[ \t]*import\s+(\w+)\s+from\s*(['"][^'"]+['"])\s*;?/gm, 'const $1 = require($2);')
    .replace(
      /^[ \t]*import\s+(\w+)\s*,\s*(\{[^}]*\})\s+from\s*(['"][^'"]+['"])\s*;?/gm,
      (_a, d, n, f) => `const ${d} = require(${f}); const ${n.replace(/\bas\b/g, ':')} = ${d};`,
    )
    .replace(
      /^[ \t]*import\s+(\{[^}]*\})\s+from\s*(['"][^'"]+['"])\s*;?/gm,
      (_a, n, f) => `const ${n.replace(/\s+as\s+/g, ': ')} = require(${f});`,
    )
    .replace(/^[ \t]*import\s*(['"][^'"]+['"])\s*;?/gm, 'require($1);');
}

/** TypeScript as JavaScript, by Node's own stripper; throws what the parser says. */
function withoutTypes(source) {
  process.removeAllListeners('warning');
  return require('node:module').stripTypeScriptTypes(source, { mode: 'transform' });
}

function defines(program, name) {
  const n = name.replace(/\$/g, '\\$');
  return new RegExp(
    `(?:function\\*?|class|const|let|var)\\s+${n}(?![\\w$])|(?:^|[\\s.,{])${n}\\s*[=:(,}]|\\b${n}\\s*=`,
    'm',
  ).test(program);
}

// ---------------------------------------------------------------- the judge's side

class Judge {
  constructor(link) {
    this.link = link; // { ask(message): reply }
    this.objects = [];
    this.ids = new Map();
    this.remotes = new Map();
    this.handles = new WeakMap();
    this.classes = new Map();
    this.named = new Set();
    this.pending = new Map();
    this.keepsClasses = false;
    this.args = null;
    /** Names that the tests can mean; null: whatever is looked up was written in the tests. */
    this.words = null;
  }

  idOf(v) {
    if (!this.ids.has(v)) {
      this.ids.set(v, this.objects.length);
      this.objects.push(v);
    }
    return this.ids.get(v);
  }

  knownObject(v) {
    const handle = this.handles.get(v);
    return handle === undefined ? null : { h: handle };
  }

  encodeObject(v) {
    const handle = this.handles.get(v);
    if (handle !== undefined) return { h: handle };
    return { t: this.idOf(v), fn: typeof v === 'function' ? 1 : 0 };
  }

  encodePromise(v) {
    // The answer will see its rejection; for the judge it must not be an unhandled one.
    v.catch(() => undefined);
    return this.knownObject(v) ?? { t: this.idOf(v), promise: 1 };
  }

  decodeObject(m) {
    if ('arg' in m && this.args) return this.args[m.arg];
    if ('t' in m) return this.objects[m.t];
    if ('p' in m) return this.promise(m.p);
    if (!('h' in m)) throw new AnswerDied('the answer broke the protocol');
    if (!this.remotes.has(m.h)) {
      const remote = m.fn ? this.remoteFunction(m) : this.remoteObject(m);
      this.remotes.set(m.h, remote);
      this.handles.set(remote, m.h);
    }
    return this.remotes.get(m.h);
  }

  promise(h) {
    if (this.remotes.has(h)) return this.remotes.get(h);
    const promise = new Promise((resolve, reject) => this.pending.set(h, { resolve, reject }));
    this.remotes.set(h, promise);
    this.handles.set(promise, h);
    this.link.expectEvents(1);
    this.ask({ op: 'settle', h });
    return promise;
  }

  /** Prototype of the mirror of an answer's class; `base` for errors. */
  prototypeOf(remoteClass, base) {
    return this.mirror(this.handles.get(remoteClass), base);
  }

  mirror(h, base = Object.prototype) {
    if (!this.classes.has(h)) this.classes.set(h, Object.create(base));
    return this.classes.get(h);
  }

  /** Methods that turn an object into a number or a text decide comparisons, so they need a class that the tests named. */
  conversion(m, key) {
    if (this.named.has(m.of)) return undefined;
    if (key === 'valueOf') return () => ({});
    if (key === 'toString' || key === 'toJSON') return () => '[object of the answer]';
    return undefined;
  }

  remoteObject(m) {
    const iterate = (async) => () => this.decodeObject(this.ask({ op: 'iterate', h: m.h, async }).ok);
    const judge = this;
    return new Proxy(
      {},
      {
        get(_target, key) {
          if (key === Symbol.iterator) return m.iter ? iterate(false) : undefined;
          if (key === Symbol.asyncIterator) return m.aiter ? iterate(true) : undefined;
          if (typeof key === 'symbol') return undefined;
          if (key === 'constructor' && judge.remotes.has(m.of)) return judge.remotes.get(m.of);
          if (key === 'valueOf' || key === 'toString' || key === 'toJSON') {
            const conversion = judge.conversion(m, key);
            if (conversion) return conversion;
          }
          const value = decode(judge.ask({ op: 'prop', h: m.h, name: key }).ok, judge);
          return typeof value === 'function' && judge.handles.has(value) ? judge.bound(value, m.h) : value;
        },
        set(_target, key, value) {
          judge.ask({ op: 'set', h: m.h, name: String(key), v: encode(value, judge) });
          return true;
        },
        has: (_target, key) => typeof key === 'string' && judge.ask({ op: 'has', h: m.h, name: key }).ok,
        deleteProperty: (_target, key) => Boolean(judge.ask({ op: 'delete', h: m.h, name: String(key) }).ok),
        ownKeys: () => judge.ask({ op: 'keys', h: m.h }).ok.map(([k]) => String(k)),
        getOwnPropertyDescriptor(_target, key) {
          const found = judge.ask({ op: 'keys', h: m.h }).ok.find(([k]) => k === key);
          return (
            found && { value: decode(found[1], judge), writable: true, enumerable: true, configurable: true }
          );
        },
        getPrototypeOf: () => (m.of === null ? Object.prototype : judge.mirror(m.of)),
      },
    );
  }

  /** A method taken from an object, called with that object as `this`. */
  bound(f, self) {
    const h = this.handles.get(f);
    const method = (...args) => this.call('call', h, args, self);
    this.handles.set(method, h);
    return method;
  }

  remoteFunction(m) {
    const judge = this;
    const target = { [m.name]: function () {} }[m.name] ?? function () {};
    Object.defineProperty(target, 'length', { value: m.length, configurable: true });
    target.prototype = judge.mirror(m.h, m.error ? Error.prototype : Object.prototype);
    return new Proxy(target, {
      apply: (_t, self, args) => judge.call('call', m.h, args, judge.handles.get(self) ?? null),
      construct: (_t, args) => judge.call('new', m.h, args, null),
      get(t, key) {
        if (key === 'prototype') return t.prototype;
        if (key === Symbol.hasInstance)
          return (v) =>
            v !== null &&
            typeof v === 'object' &&
            (t.prototype.isPrototypeOf(v) ||
              (judge.handles.has(v) &&
                judge.ask({ op: 'isa', h: judge.handles.get(v), cls: m.h }).ok === true));
        if (typeof key === 'symbol' || own(Function.prototype, key) || key === 'length' || key === 'name')
          return Reflect.get(t, key);
        const value = decode(judge.ask({ op: 'prop', h: m.h, name: key }).ok, judge);
        return typeof value === 'function' && judge.handles.has(value) ? judge.bound(value, m.h) : value;
      },
      set(_t, key, value) {
        judge.ask({ op: 'set', h: m.h, name: String(key), v: encode(value, judge) });
        return true;
      },
    });
  }

  call(op, h, args, self) {
    const reply = this.ask({ op, h, self, args: args.map((a) => encode(a, this)) });
    for (const [i, now] of reply.changed ?? []) update(args[i], decode(now, this));
    this.args = args;
    try {
      return decode(reply.ok, this);
    } finally {
      this.args = null;
    }
  }

  ask(message) {
    this.asked = (this.asked ?? 0) + 1;
    const reply = this.link.ask(message, (m) => this.serve(m));
    if (reply.out) this.link.print(reply.out);
    if (reply.err) throw decodeError(reply.err, this);
    return reply;
  }

  /** Something that the answer wants of an object of the tests. */
  serve(m) {
    if (m.out) this.link.print(m.out);
    try {
      const target = this.objects[m.cb];
      const args = m.args.map((a) => decode(a, this));
      if (typeof target === 'function')
        return { ok: m.path === null ? encode(target(...args), this) : { u: 1 } };
      if (m.path.startsWith('=') && !m.path.startsWith('=_')) {
        target[m.path.slice(1)] = args[0];
        return { ok: { u: 1 } };
      }
      if (m.path === 'constructor' || m.path.startsWith('_')) return { ok: { u: 1 } };
      const value = target[m.path];
      return { ok: encode(typeof value === 'function' ? value.bind(target) : value, this) };
    } catch (e) {
      return { err: encodeError(e, this) };
    }
  }

  /** Something that happened in the answer's process while we were not waiting for it. */
  event(m) {
    if (m.out) this.link.print(m.out);
    if ('settled' in m) {
      const waiting = this.pending.get(m.settled);
      this.pending.delete(m.settled);
      this.link.expectEvents(-1);
      if (m.err) waiting?.reject(decodeError(m.err, this));
      else waiting?.resolve(decode(m.ok, this));
    } else if ('watch' in m) {
      Promise.resolve(this.objects[m.watch]).then(
        (v) => this.ask({ op: 'watched', t: m.watch, ok: encode(v, this) }),
        (e) => this.ask({ op: 'watched', t: m.watch, err: encodeError(e, this) }),
      );
    } else if ('cb' in m) {
      this.link.answer(this.serve(m));
    }
  }

  lookup(name) {
    const reply = this.ask({ op: 'get', name });
    if (reply.missing) return { found: false };
    const value = decode(reply.ok, this);
    if (typeof value === 'function' && this.handles.has(value) && (!this.words || this.words.has(name))) {
      this.named.add(this.handles.get(value));
    }
    return { found: true, value };
  }
}

/** Makes `old` equal to `now` in place: what the answer did to an argument, the tests shall see. */
function update(old, now) {
  if (Array.isArray(old)) {
    old.length = Math.min(old.length, now.length);
    now.forEach((v, i) => {
      if (
        old[i] !== null &&
        typeof old[i] === 'object' &&
        v !== null &&
        typeof v === 'object' &&
        Array.isArray(old[i]) === Array.isArray(v)
      )
        update(old[i], v);
      else old[i] = v;
    });
  } else if (old instanceof Map || old instanceof Set) {
    old.clear();
    for (const v of now) old instanceof Map ? old.set(v[0], v[1]) : old.add(v);
  } else if (ArrayBuffer.isView(old)) {
    old.set(now);
  } else {
    for (const k of Object.keys(old)) if (!own(now, k)) delete old[k];
    for (const [k, v] of Object.entries(now)) {
      if (own(old, k) && old[k] !== null && typeof old[k] === 'object' && v !== null && typeof v === 'object')
        update(old[k], v);
      else old[k] = v;
    }
  }
}

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

module.exports = {
  Candidate,
  Judge,
  AnswerDied,
  encode,
  decode,
  encodeError,
  decodeError,
  scopeOf,
  explain,
  same,
};

// ---------------------------------------------------------------- processes and pipes

function sendTo(fs, fd, message) {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  const data = Buffer.concat([head, body]);
  for (let at = 0; at < data.length;) at += fs.writeSync(fd, data, at);
}

function readFrom(fs, fd) {
  const exactly = (size) => {
    const buffer = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const n = fs.readSync(fd, buffer, at, size - at, null);
      if (n === 0) throw new AnswerDied("the answer's process ended");
      at += n;
    }
    return buffer;
  };
  const size = exactly(4).readUInt32BE();
  if (size > MAX_MESSAGE) throw new AnswerDied("the answer's result is too large");
  try {
    return JSON.parse(exactly(size).toString());
  } catch {
    throw new AnswerDied('the answer broke the protocol');
  }
}

/** Calls `handle` with every message that arrives; does not keep the process alive unless asked to. */
function listen(net, fd, handle, closed) {
  const socket = new net.Socket({ fd, readable: true, writable: false });
  let data = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    data = data.length === 0 ? chunk : Buffer.concat([data, chunk]);
    while (data.length >= 4 && data.length >= 4 + data.readUInt32BE()) {
      const body = data.subarray(4, 4 + data.readUInt32BE());
      data = data.subarray(4 + body.length);
      handle(body);
    }
  });
  socket.on('error', closed);
  socket.on('end', closed);
  return socket;
}

function candidateMain(folder, order) {
  const fs = require('node:fs');
  const net = require('node:net');
  const vm = require('node:vm');
  const open = (name, flag) => fs.openSync(`${folder}/${name}`, flag);
  const [calls, replies, events, answers] = [open('q', 'r'), open('p', 'w'), open('e', 'w'), open('c', 'r')];
  let serving = 0;
  const module_ = { exports: {} };
  const link = {
    vm,
    evaluate: (code) => vm.runInThisContext(code, { filename: 'answer.js' }),
    exports: () => module_.exports,
    /** Not earlier: `node -e` puts its own values back when its script ends. */
    prepare() {
      globalThis.require = require('node:module').createRequire('/box/answer.js');
      globalThis.module = module_;
      globalThis.exports = module_.exports;
    },
    ask(message) {
      sendTo(fs, serving > 0 ? replies : events, message);
      return readFrom(fs, answers);
    },
    tell: (message) => sendTo(fs, events, message),
  };
  const side = new Candidate(link);
  side.order = order;
  const write = (text, encoding, done) => {
    side.print(Buffer.isBuffer(text) ? text.toString() : text);
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
  process.stdout.write = write;
  process.stderr.write = write;
  process.argv = [process.argv[0], 'answer.js'];
  process.on('unhandledRejection', (e) => side.print(`unhandled rejection: ${String(e)}\n`));
  process.on('uncaughtException', (e) => side.print(`uncaught: ${String(e)}\n`));
  listen(
    net,
    calls,
    (body) => {
      serving++;
      const reply = side.handle(JSON.parse(body.toString()));
      serving--;
      sendTo(fs, replies, reply);
    },
    () => process.exit(0),
  );
}

/** The judge's ends of the four pipes, and a Judge that uses them. `died` is told when the answer's process ends. */
function connectJudge(folder, died) {
  const fs = require('node:fs');
  const net = require('node:net');
  const open = (name, flag) => fs.openSync(`${folder}/${name}`, flag);
  const [calls, replies, events, answers] = [open('q', 'w'), open('p', 'r'), open('e', 'r'), open('c', 'w')];
  const link = {
    print: (text) => process.stdout.write(String(text)),
    ask(message, serve) {
      sendTo(fs, calls, message);
      for (;;) {
        const m = readFrom(fs, replies);
        if (m === null || typeof m !== 'object') throw new AnswerDied('the answer broke the protocol');
        if (!('cb' in m)) return m;
        sendTo(fs, answers, serve(m));
      }
    },
    answer: (message) => sendTo(fs, answers, message),
    expectEvents(change) {
      link.expected += change;
      if (link.expected > 0) socket.ref();
      else socket.unref();
    },
    expected: 0,
  };
  const judge = new Judge(link);
  const receive = (body) => {
    try {
      judge.event(JSON.parse(body.toString()));
    } catch (e) {
      died(e);
    }
  };
  const socket = listen(net, events, receive, () => {
    if (link.expected > 0) died(new AnswerDied("the answer's process ended"));
  });
  socket.unref();
  return judge;
}

function judgeMain(kinds) {
  const fs = require('node:fs');
  const judge = connectJudge('/tmp', (e) => died(e));
  for (const name of 'qpec') fs.unlinkSync(`/tmp/${name}`);
  const order = JSON.parse(fs.readFileSync(0, 'utf8'));
  const report = { chosen: null, checks: {}, printed: '' };
  fs.writeSync(1, `\n${order.token}begin\n`);
  const realWrite = process.stdout.write.bind(process.stdout);
  const keep = (text) => {
    if (report.printed.length < 2000) report.printed += String(text).slice(0, 2000 - report.printed.length);
    return true;
  };
  process.stdout.write = (text, encoding, done) => {
    (typeof encoding === 'function' ? encoding : done)?.();
    return keep(text);
  };
  const guard = (f) => {
    try {
      return f();
    } catch (e) {
      died(e);
    }
  };
  let current = null;
  let began = 0;
  const done = (kind, result) => {
    result.ms = Math.round((performance.now() - began) * 10) / 10;
    report.checks[kind] ??= result;
  };
  const finish = () => {
    realWrite(`\n${order.token}${JSON.stringify(report)}\n`, () => realExit(0));
  };
  const realExit = process.reallyExit.bind(process);
  /** The answer's process is gone: nothing more can be learnt. */
  function died(e) {
    if (current)
      done(
        current,
        e instanceof AnswerDied
          ? { status: 'died', message: e.message }
          : { status: 'failed', ...explain(e) },
      );
    finish();
  }

  const prepare = () => {
    const loaded = judge.ask({
      op: 'load',
      programs: order.programs,
      entry: order.entry,
      typescript: order.typescript,
    });
    if (!('ok' in loaded))
      return {
        status: 'syntax' in loaded ? 'syntax' : 'unfit',
        message: String(loaded.syntax ?? loaded.unfit).slice(0, 500),
      };
    report.chosen = loaded.ok;
    if (kinds.includes('syntax')) return { status: 'passed' };
    try {
      judge.ask({ op: 'run' });
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      return { status: 'crashed', ...explain(e) };
    }
    return null;
  };

  const localRequire = require('node:module').createRequire('/box/tests.js');
  // Errors of the tests' own imports; the answer's errors are made anew on our side and so are never in here.
  const missing = new WeakSet();
  const requireForTests = (name) => {
    try {
      return localRequire(name);
    } catch (e) {
      if (e.code === 'MODULE_NOT_FOUND') missing.add(e);
      throw e;
    }
  };
  const locals = {
    require: (name) =>
      /^\.{1,2}\/(answer|solution|index)(\.[cm]?js)?$/.test(name)
        ? decode(judge.ask({ op: 'exports' }).ok, judge)
        : requireForTests(name),
    module: { exports: {} },
    exports: {},
  };

  const collected = [];
  const collect = testGlobals(collected);
  // An answer may be a function of such a name itself.
  delete collect[order.entry];
  console.assert = (holds, ...message) => {
    if (!holds) throw new Error(['Assertion failed', ...message].map(String).join(' '));
  };

  const runTests = (after) => {
    current = 'tests';
    began = performance.now();
    const before = judge.asked;
    const settle = (result) => {
      if (report.checks.tests) return;
      const idle = result.status === 'passed' && judge.asked === before;
      done('tests', idle ? { status: 'empty', message: 'the tests checked nothing of the answer' } : result);
      current = null;
      after();
    };
    process.exit = (code) => {
      const status = (code ?? process.exitCode ?? 0) === 0 ? 'passed' : 'failed';
      done('tests', {
        status,
        ...(status === 'failed' ? { message: `the tests ended with exit code ${code}` } : {}),
      });
      current = null;
      after();
      throw new Error('the tests are over');
    };
    const failed = (e) => {
      if (e instanceof AnswerDied) return died(e);
      const broken = missing.has(e) ? `the tests do not run: ${e.message.split('\n')[0]}` : null;
      settle(broken ? { status: 'empty', message: broken } : { status: 'failed', ...explain(e) });
    };
    process.on('uncaughtException', failed);
    process.on('unhandledRejection', failed);
    let ended = false;
    // Test libraries do their last work in this event too, after us, so we let it come round a few times.
    let rounds = 0;
    process.on('beforeExit', () => {
      if (report.checks.tests) return;
      if (++rounds < 4) return void setTimeout(() => undefined, 0);
      if (!ended) settle({ status: 'failed', message: 'the tests wait for something that never happens' });
      else if (process.exitCode)
        settle({ status: 'failed', message: `the tests ended with exit code ${process.exitCode}` });
      else settle({ status: 'passed' });
    });
    try {
      const scope = scopeOf(judge, { ...collect, ...locals });
      const text = `(async function () {\n${asScript(order.typescript ? order.tests.replace(/^import type .*$/gm, '') : order.tests)}\n})`;
      const body = order.typescript ? withoutTypes(text).trim().replace(/;$/, '') : text;
      let f;
      try {
        f = new Function('__scope', `with (__scope) { return ${body}(); }\n//# sourceURL=tests.js`);
      } catch (e) {
        return settle({ status: 'empty', message: `the tests do not parse: ${e.message}` });
      }
      f(scope)
        .then(() => runCollected(collected))
        .then((result) => (result ? settle(result) : (ended = true)), failed);
    } catch (e) {
      failed(e);
    }
  };

  const runExamples = () => {
    current = 'examples';
    began = performance.now();
    const scope = scopeOf(judge, locals);
    const evaluate = (code) => new Function('__scope', `with (__scope) { return (${code}\n); }`)(scope);
    let passed = 0;
    const failures = [];
    for (const example of order.examples) {
      let want;
      try {
        want = new Function(
          `return (${example.want
            .replace(/\bTrue\b/g, 'true')
            .replace(/\bFalse\b/g, 'false')
            .replace(/\bNone\b/g, 'null')}\n);`,
        )();
      } catch {
        continue;
      }
      let got;
      try {
        const value = evaluate(example.source);
        got = util.inspect(value).slice(0, 200);
        if (same(value, want, util)) {
          passed++;
          continue;
        }
      } catch (e) {
        if (e instanceof AnswerDied) throw e;
        got = explain(e).message.slice(0, 200);
      }
      failures.push({ source: example.source.slice(0, 200), want: example.want.slice(0, 200), got });
    }
    const total = passed + failures.length;
    done(
      'examples',
      total === 0
        ? { status: 'empty' }
        : {
            status: failures.length === 0 ? 'passed' : 'failed',
            passed,
            total,
            failures: failures.slice(0, 5),
          },
    );
    current = null;
  };

  guard(() => {
    current = kinds[0];
    began = performance.now();
    const verdict = prepare();
    if (verdict) {
      for (const kind of kinds)
        done(kind, {
          ...verdict,
          ...(kind === 'syntax' && verdict.status !== 'passed' ? { status: 'failed' } : {}),
        });
      return finish();
    }
    const rest = () =>
      guard(() => {
        if (kinds.includes('examples')) runExamples();
        finish();
      });
    if (kinds.includes('tests')) runTests(rest);
    else rest();
  });
}

// ---------------------------------------------------------------- tests written for a test library

/** `describe`, `test`, `expect` and their like, as far as tests of single functions use them. */
function testGlobals(collected) {
  const hooks = { before: [], after: [] };
  const add = (name, run) =>
    void collected.push({ name: String(name), run, before: [...hooks.before], after: hooks.after });
  const each = (rows) => (name, run) =>
    rows.forEach((row) => add(name, () => run(...(Array.isArray(row) ? row : [row]))));
  const test = Object.assign(add, { each, skip: () => undefined, only: add });
  const describe = Object.assign((_name, body) => void body(), { skip: () => undefined });
  const before = (hook) => void hooks.before.push(hook);
  return {
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

// ---------------------------------------------------------------- for tests that are run by a command

/**
 * Stands for an answer that runs in a sandbox of its own, as `module.exports` of the file that tests require.
 * The host has put numbered sets of pipes below /judge and starts an answer for every set asked for.
 */
function attach() {
  const fs = require('node:fs');
  const take = (number) => {
    try {
      fs.mkdirSync(`/tmp/.judge-${number}`);
      return true;
    } catch {
      return false;
    }
  };
  const set = fs.readdirSync('/judge/sets').find(take);
  if (set === undefined) throw new Error('the answer was required by too many processes');
  fs.writeFileSync('/judge/start', `${set}\n`);
  const judge = connectJudge(`/judge/sets/${set}`, (e) => {
    throw e;
  });
  judge.words = new Set(JSON.parse(fs.readFileSync('/judge/words.json', 'utf8')));
  const loaded = judge.ask({ op: 'load' });
  if (!('ok' in loaded)) throw new SyntaxError(String(loaded.syntax ?? loaded.unfit));
  judge.ask({ op: 'run' });
  const exported = decode(judge.ask({ op: 'exports' }).ok, judge);
  if (typeof exported === 'function') return exported;
  const find = (name) => (typeof name === 'string' ? judge.lookup(name) : { found: false });
  return new Proxy(
    {},
    {
      get: (_t, name) => (name === '__esModule' ? undefined : find(name).value),
      has: (_t, name) => find(name).found,
      // Static imports look for own properties.
      getOwnPropertyDescriptor(_t, name) {
        const { found, value } = find(name);
        return found ? { value, writable: true, enumerable: true, configurable: true } : undefined;
      },
    },
  );
}
module.exports.attach = attach;

if (typeof process !== 'undefined' && process.argv) {
  const role = process.argv[1];
  if (role === 'candidate') candidateMain('/tmp', null);
  else if (role === 'attached-candidate')
    candidateMain('/judge', JSON.parse(require('node:fs').readFileSync(0, 'utf8')));
  else if (role === 'judge') judgeMain(process.argv[2].split(','));
}
