'use strict';
// Values as JSON, so that they can cross from one process to the other.
//
// The whole harness: it runs JavaScript tests against an answer without letting the answer near the tests. Two
// processes, as in the Python harness. The judge holds tests and token and alone can reach stdout; the candidate
// executes the answer. Two pipes, one each way: questions, their replies, and (from the candidate) events, which come
// when they like. A side that waits for a reply handles what else arrives.
const { SharedData } = require('./shared-data.cjs');

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

/** Encodes and decodes for one side, which says what becomes of objects that are not plain data. */
class Side {
  constructor(first) {
    this.shared = new SharedData(this, first);
    /** Errors on their way out, which may hold themselves. */
    this.telling = [];
  }

  encode(v) {
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
        return { sym: String(v.description), for: Symbol.keyFor(v) };
      case 'function':
        return this.encodeObject(v);
    }
    if (v === null) return null;
    const known = this.knownObject(v);
    if (known) return known;
    const data = this.shared.refer(v);
    if (data) return data;
    if (v instanceof RegExp) return { re: [v.source, v.flags, v.lastIndex] };
    if (v instanceof URL && Object.getPrototypeOf(v) === URL.prototype) return { url: v.href };
    if (v instanceof Promise) return this.encodePromise(v);
    if (v instanceof Error && !this.telling.includes(v)) return { err: this.encodeError(v) };
    return this.encodeObject(v);
  }

  decode(m) {
    if (m === null || typeof m !== 'object') return m;
    if ('@' in m) return this.shared.find(m['@']);
    if ('n' in m) return Number(m.n);
    if ('u' in m) return undefined;
    if ('big' in m) return BigInt(m.big);
    if ('sym' in m) return typeof m.for === 'string' ? Symbol.for(m.for) : Symbol(m.sym);
    if ('re' in m) return Object.assign(new RegExp(m.re[0], m.re[1]), { lastIndex: Number(m.re[2]) || 0 });
    if ('url' in m) return new URL(m.url);
    if ('err' in m) return this.decodeError(m.err);
    return this.decodeObject(m);
  }

  encodeError(e) {
    if (!(e instanceof Error)) return { thrown: this.encode(e) };
    const chain = [];
    for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
      const c = own(p, 'constructor') ? p.constructor : null;
      if (typeof c === 'function') chain.push(String(c.name));
    }
    const props = Object.entries(e).filter(([, v]) => typeof v !== 'function');
    for (const name of ['cause', 'errors'])
      if (own(e, name) && !props.some(([k]) => k === name)) props.push([name, e[name]]);
    const cls = e.constructor;
    const ownClass = typeof cls === 'function' && !Object.values(ERRORS).includes(cls);
    this.telling.push(e);
    try {
      return {
        ...this.nameError(e),
        name: String(e.name),
        message: String(e.message),
        chain,
        props: props.map(([k, v]) => [k, this.encode(v)]),
        cls: ownClass && this.keepsClasses ? this.encodeObject(cls) : null,
      };
    } finally {
      this.telling.pop();
    }
  }

  decodeError(m) {
    if ('thrown' in m) return this.decode(m.thrown);
    const known = this.knownError(m);
    if (known) return known;
    const builtin = ERRORS[m.chain.find((n) => own(ERRORS, n))] ?? Error;
    const error = builtin === AggregateError ? new AggregateError([], m.message) : new builtin(m.message);
    this.keepError(error, m);
    for (const [k, v] of m.props) if (k !== '__proto__') error[k] = this.decode(v);
    if (m.cls) {
      const mirrored = this.decode(m.cls);
      Object.setPrototypeOf(error, this.prototypeOf(mirrored, builtin.prototype));
    }
    if (error.name !== m.name)
      Object.defineProperty(error, 'name', { value: m.name, configurable: true, writable: true });
    return error;
  }
}

module.exports = { Side, own };
