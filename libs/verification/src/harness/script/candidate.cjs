'use strict';
// The process of the answer. Everything here may be taken over by it.
const { asScript, defines, withoutTypes } = require('./source.cjs');
const { decode, decodeError, encode, encodeError, own } = require('./values.cjs');

const MAX_OUTPUT = 65536;

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

module.exports = { Candidate };
