'use strict';
// The process of the tests.
const { AnswerDied } = require('./died.cjs');
const { Assertions, serveObject } = require('./tests-object.cjs');
const { Side, own } = require('./values.cjs');

class Judge extends Side {
  constructor(link) {
    super(0);
    this.link = link; // { print(text), expectEvents(change) }
    /** Questions to the answer's process; set when there is one. */
    this.talk = null;
    /** What the tests patch around the answer; null: nothing is known of the tests. */
    this.surroundings = null;
    this.assertions = new Assertions();
    this.bounds = new Map();
    this.objects = [];
    this.ids = new Map();
    this.remotes = new Map();
    this.handles = new WeakMap();
    this.classes = new Map();
    this.named = new Set();
    this.pending = new Map();
    this.keepsClasses = false;
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

  /** An object of the tests by its number. */
  mine(number) {
    if (!Number.isInteger(number) || !(number in this.objects))
      throw new AnswerDied('the answer broke the protocol');
    return this.objects[number];
  }

  knownObject(v) {
    const handle = this.handles.get(v);
    return handle === undefined ? null : { h: handle };
  }

  encodeObject(v) {
    const handle = this.handles.get(v);
    if (handle !== undefined) return { h: handle };
    if (typeof v === 'function') {
      this.assertions.handed++;
      return { t: this.idOf(v), fn: 1, name: String(v.name), length: Number(v.length) || 0 };
    }
    const has = (symbol) => (typeof v[symbol] === 'function' ? 1 : 0);
    return { t: this.idOf(v), iter: has(Symbol.iterator), aiter: has(Symbol.asyncIterator) };
  }

  encodePromise(v) {
    // The answer will see its rejection; for the judge it must not be an unhandled one.
    v.catch(() => undefined);
    return this.knownObject(v) ?? { t: this.idOf(v), promise: 1 };
  }

  decodeObject(m) {
    if ('t' in m) return this.mine(m.t);
    if ('p' in m) return this.promise(m.p);
    if (!('h' in m)) throw new AnswerDied('the answer broke the protocol');
    if (!this.remotes.has(m.h)) {
      const remote = m.fn ? this.remoteFunction(m) : this.remoteObject(m);
      this.remotes.set(m.h, remote);
      this.handles.set(remote, m.h);
    }
    return this.remotes.get(m.h);
  }

  nameError(e) {
    const handle = this.handles.get(e);
    return handle === undefined ? { et: this.idOf(e) } : { eh: handle };
  }

  knownError(m) {
    const known = 'et' in m ? this.mine(m.et) : this.remotes.get(m.eh);
    return known instanceof Error ? known : undefined;
  }

  keepError(error, m) {
    if (typeof m.eh !== 'number') throw new AnswerDied('the answer broke the protocol');
    this.remotes.set(m.eh, error);
    this.handles.set(error, m.eh);
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
          if (!judge.named.has(m.of)) judge.assertions.uses.note(judge.remotes.get(m.h), key);
          if (key === 'constructor' && judge.remotes.has(m.of)) return judge.remotes.get(m.of);
          if (key === 'valueOf' || key === 'toString' || key === 'toJSON') {
            const conversion = judge.conversion(m, key);
            if (conversion) return conversion;
          }
          const value = judge.decode(judge.ask({ op: 'prop', h: m.h, name: key }).ok);
          return typeof value === 'function' && judge.handles.has(value) ? judge.bound(value, m.h) : value;
        },
        set(_target, key, value) {
          judge.ask({ op: 'set', h: m.h, name: String(key), v: judge.encode(value) });
          return true;
        },
        has: (_target, key) => typeof key === 'string' && judge.ask({ op: 'has', h: m.h, name: key }).ok,
        deleteProperty: (_target, key) => Boolean(judge.ask({ op: 'delete', h: m.h, name: String(key) }).ok),
        ownKeys: () => judge.ask({ op: 'keys', h: m.h }).ok.map(([k]) => String(k)),
        getOwnPropertyDescriptor(_target, key) {
          const found = judge.ask({ op: 'keys', h: m.h }).ok.find(([k]) => k === key);
          return (
            found && { value: judge.decode(found[1]), writable: true, enumerable: true, configurable: true }
          );
        },
        getPrototypeOf: () => (m.of === null ? Object.prototype : judge.mirror(m.of)),
      },
    );
  }

  /** A method taken from an object, called with that object as `this`; the same one each time. */
  bound(f, self) {
    const h = this.handles.get(f);
    const key = `${h} of ${self}`;
    if (!this.bounds.has(key)) {
      const remote = this.remotes.get(self);
      const method = new Proxy(f, {
        apply: (_t, _self, args) => this.call('call', h, args, remote),
        construct: (_t, args) => this.call('new', h, args),
      });
      this.handles.set(method, h);
      this.bounds.set(key, method);
    }
    return this.bounds.get(key);
  }

  remoteFunction(m) {
    const judge = this;
    const target = { [m.name]: function () {} }[m.name] ?? function () {};
    Object.defineProperty(target, 'length', { value: m.length, configurable: true });
    target.prototype = judge.mirror(m.h, m.error ? Error.prototype : Object.prototype);
    return new Proxy(target, {
      apply(_t, self, args) {
        if (judge.shared.isTheirs(self)) judge.assertions.uses.noteCall(self, judge.remotes.get(m.h));
        return judge.call('call', m.h, args, self === globalThis ? undefined : self);
      },
      construct: (_t, args) => judge.call('new', m.h, args),
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
        const value = judge.decode(judge.ask({ op: 'prop', h: m.h, name: key }).ok);
        return typeof value === 'function' && judge.handles.has(value) ? judge.bound(value, m.h) : value;
      },
      set(_t, key, value) {
        judge.ask({ op: 'set', h: m.h, name: String(key), v: judge.encode(value) });
        return true;
      },
    });
  }

  call(op, h, args, self) {
    const reply = this.ask({ op, h, self: this.encode(self), args: args.map((a) => this.encode(a)) });
    return this.decode(reply.ok);
  }

  ask(message) {
    this.asked = (this.asked ?? 0) + 1;
    const state = this.surroundings?.changes(this);
    const reply = this.talk.ask(state ? { ...message, state } : message);
    if (reply.out) this.link.print(reply.out);
    if (this.assertions.handed > 0) this.link.stay();
    if (reply.err) throw this.caught(reply.err);
    return reply;
  }

  /** Whether nothing is under way in the answer's process by which it could still call the tests. */
  isAnswerIdle() {
    const reply = this.talk.ask({ op: 'idle' });
    if (reply.out) this.link.print(reply.out);
    return reply.ok !== false;
  }

  caught(err) {
    const error = this.decodeError(err);
    this.assertions.reached(error);
    return error;
  }

  /** What the answer's process asks or tells. */
  handle(m) {
    if (m.out) this.link.print(m.out);
    if ('cb' in m) return this.serve(m);
    if ('settled' in m || 'watch' in m) this.event(m);
    else if ('uncaught' in m) this.escaped(this.decodeError(m.uncaught), m.rejected === true);
    else throw new AnswerDied('the answer broke the protocol');
    return {};
  }

  /** Something that the answer wants of a function or an object of the tests. */
  serve(m) {
    try {
      const target = this.mine(m.cb);
      const args = m.args.map((a) => this.decode(a));
      if (typeof target !== 'function') return { ok: this.encode(serveObject(target, m, args)) };
      this.assertions.called++;
      if (m.do === 'new') return { ok: this.encode(Reflect.construct(target, args)) };
      if (m.do !== 'call') return { ok: { u: 1 } };
      const result = Reflect.apply(target, this.decode(m.self), args);
      const held = () => this.assertions.heldIn(m.cb);
      if (result instanceof Promise) result.then(held, (e) => this.assertions.failedIn(m, e));
      else held();
      return { ok: this.encode(result) };
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      this.assertions.failedIn(m, e);
      return { err: this.encodeError(e) };
    }
  }

  /** What a function of the tests threw came to nobody in the answer's process: it ends a program. */
  escaped(e, rejected) {
    if (this.assertions.isEscape(e, rejected)) this.link.escaped(e);
  }

  /** Something that happened in the answer's process while we were not waiting for it. */
  event(m) {
    if ('settled' in m) {
      const waiting = this.pending.get(m.settled);
      this.pending.delete(m.settled);
      this.link.expectEvents(-1);
      if (m.err) waiting?.reject(this.caught(m.err));
      else waiting?.resolve(this.decode(m.ok));
    } else {
      Promise.resolve(this.mine(m.watch)).then(
        (v) => this.ask({ op: 'watched', t: m.watch, ok: this.encode(v) }),
        (e) => this.ask({ op: 'watched', t: m.watch, err: this.encodeError(e) }),
      );
    }
  }

  lookup(name) {
    const reply = this.ask({ op: 'get', name });
    if (reply.missing) return { found: false };
    const value = this.decode(reply.ok);
    if (typeof value === 'function' && this.handles.has(value) && (!this.words || this.words.has(name))) {
      this.named.add(this.handles.get(value));
    }
    this.assertions.uses.trust(value);
    return { found: true, value };
  }
}

module.exports = { Judge };
