'use strict';
// Values as JSON, so that they can cross from one process to the other.
//
// The whole harness: it runs JavaScript tests against an answer without letting the answer near the tests. Two
// processes, as in the Python harness. The judge holds tests and token and alone can reach stdout; the candidate
// executes the answer. Four pipes: calls (judge → candidate), replies (candidate → judge, read blocking, since tests
// call functions and expect results), events (candidate → judge, read when idle: promises and callbacks that come
// later), answers (judge → candidate, read blocking: results of callbacks).
const MAX_DEPTH = 150;
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
  if (v instanceof Error) return { err: encodeError(v, side, [...seen, v]) };
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

function encodeError(e, side, seen = [e]) {
  if (!(e instanceof Error)) return { thrown: encode(e, side) };
  const chain = [];
  for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    const c = own(p, 'constructor') ? p.constructor : null;
    if (typeof c === 'function') chain.push(String(c.name));
  }
  const props = Object.entries(e).filter(([, v]) => typeof v !== 'function');
  if (own(e, 'cause')) props.push(['cause', e.cause]);
  const cls = e.constructor;
  const ownClass = typeof cls === 'function' && !Object.values(ERRORS).includes(cls);
  return {
    name: String(e.name),
    message: String(e.message),
    chain,
    props: props.map(([k, v]) => [k, encode(v, side, seen.length, seen)]),
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

module.exports = { AnswerDied, decode, decodeError, encode, encodeError, own };
