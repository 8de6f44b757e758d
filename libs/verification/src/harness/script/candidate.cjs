'use strict';
// The process of the answer. Everything here may be taken over by it.
const { asScript, defines, withoutTypes } = require('./source.cjs');
const { additions, adopt, inventory } = require('./adopted.cjs');
const { testsFunction, testsObject } = require('./tests-object.cjs');
const { Side } = require('./values.cjs');

const MAX_OUTPUT = 65536;

class Candidate extends Side {
  constructor(link) {
    super(1);
    this.link = link; // { vm, evaluate(code), exports(), isIdle() }, talk comes later
    this.talk = null;
    this.objects = [];
    this.ids = new Map();
    /** Functions, objects and errors of the tests: by their number there, and their numbers. */
    this.foreign = new Map();
    this.numbers = new WeakMap();
    this.patched = new Map();
    this.out = '';
    this.kept = 0;
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
    const number = this.numbers.get(v);
    return number === undefined ? null : { t: number };
  }

  encodeObject(v) {
    const known = this.knownObject(v);
    if (known) return known;
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
    return this.knownObject(v) ?? { p: this.idOf(v) };
  }

  decodeObject(m) {
    if ('h' in m || 'p' in m) return this.objects[m.h ?? m.p];
    if (!('t' in m)) return undefined;
    if (!this.foreign.has(m.t))
      this.keep(
        m.t,
        m.promise ? this.testsPromise(m.t) : m.fn ? testsFunction(this, m) : testsObject(this, m),
      );
    return this.foreign.get(m.t);
  }

  keep(number, v) {
    this.foreign.set(number, v);
    this.numbers.set(v, number);
  }

  nameError(e) {
    const number = this.numbers.get(e);
    return number === undefined ? { eh: this.idOf(e) } : { et: number };
  }

  knownError(m) {
    return 'eh' in m ? this.objects[m.eh] : this.foreign.get(m.et);
  }

  keepError(error, m) {
    this.keep(m.et, error);
  }

  prototypeOf(_mirrored, fallback) {
    return fallback;
  }

  askTests(m) {
    const args = m.args.map((a) => this.encode(a));
    const reply = this.talk.ask({ ...m, args, out: this.takeOutput() });
    if (reply.err) throw this.decodeError(reply.err);
    return this.decode(reply.ok);
  }

  testsPromise(t) {
    return new Promise((resolve, reject) => {
      this.waiting ??= new Map();
      this.waiting.set(t, { resolve, reject });
      this.talk.send({ watch: t });
    });
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

  /** An error that nothing here caught. Where a function of the tests threw it, they are told. */
  escaped(e, rejected) {
    this.print(`${rejected ? 'unhandled rejection' : 'uncaught'}: ${String(e)}\n`);
    if (this.numbers.has(e)) this.talk.send({ uncaught: this.encodeError(e), rejected });
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
    // A word of the language is no name.
    if (/^(default|class|function|new|delete|return|in|if|for|do|while|var|const|with|this)$/.test(name))
      return { missing: true };
    const has = this.link.evaluate(`typeof ${name} !== 'undefined'`);
    const exported = this.link.exports();
    if (has) return { ok: this.encode(this.link.evaluate(name)) };
    if (exported !== null && (typeof exported === 'object' || typeof exported === 'function')) {
      if (typeof exported === 'function' && exported.name === name) return { ok: this.encode(exported) };
      if (name in exported) return { ok: this.encode(exported[name]) };
    }
    return { missing: true };
  }

  perform(m) {
    switch (m.op) {
      case 'load':
        return this.load(m);
      case 'run':
        this.link.prepare?.();
        return this.run();
      case 'get':
        return this.lookup(m.name);
      case 'idle':
        return { ok: this.link.isIdle() };
      case 'exports':
        return { ok: this.encode(this.link.exports()) };
      case 'prop':
        return { ok: this.encode(this.objects[m.h][m.name]) };
      case 'set':
        this.objects[m.h][m.name] = this.decode(m.v);
        return { ok: null };
      case 'keys':
        return { ok: Object.keys(this.objects[m.h]).map((k) => [k, this.encode(this.objects[m.h][k])]) };
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
        return { ok: this.encode(this.call(m)) };
      case 'settle':
        this.objects[m.h].then(
          (v) => this.talk.send({ settled: m.h, ok: this.encode(v), out: this.takeOutput() }),
          (e) => this.talk.send({ settled: m.h, err: this.encodeError(e), out: this.takeOutput() }),
        );
        return { ok: null };
      case 'watched': {
        const waiting = this.waiting?.get(m.t);
        if (m.err) waiting?.reject(this.decodeError(m.err));
        else waiting?.resolve(this.decode(m.ok));
        return { ok: null };
      }
      default:
        throw new Error(`unknown operation ${m.op}`);
    }
  }

  run() {
    const known = inventory();
    this.link.evaluate(this.program);
    return { ok: null, additions: additions(this, known) };
  }

  call(m) {
    const f = this.objects[m.h];
    const args = m.args.map((a) => this.decode(a));
    return m.op === 'new' ? Reflect.construct(f, args) : Reflect.apply(f, this.decode(m.self), args);
  }

  handle(m) {
    let reply;
    try {
      if (m.state) adopt(this, m.state);
      reply = this.perform(m);
    } catch (e) {
      try {
        reply = { err: this.encodeError(e) };
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
