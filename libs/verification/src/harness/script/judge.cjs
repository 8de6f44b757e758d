'use strict';
// The process of the tests.
const { AnswerDied, decode, decodeError, encode, encodeError, own } = require('./values.cjs');
const { update } = require('./scope.cjs');

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

module.exports = { Judge };
