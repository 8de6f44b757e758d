'use strict';
// Plain data of both processes: each has a replica of the other's arrays, objects, maps, sets, dates and buffers, and
// every message carries what has changed in them. So the same object is the same, whoever holds it and however long.
const { AnswerDied } = require('./died.cjs');

const own = (o, k) => Object.prototype.hasOwnProperty.call(o, k);
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
  BigInt64Array,
  BigUint64Array,
};
/** As an object's own these would decide how it compares and prints: such an object is no plain data. */
const TELLING = new Set([
  'then',
  'toJSON',
  'valueOf',
  'toString',
  'constructor',
  'inspect',
  'length',
  'message',
  'name',
]);
/** Objects and elements of earlier messages that are still looked at for changes. */
const WINDOW_OBJECTS = 100;
const WINDOW_ELEMENTS = 2_000;
/** Objects and elements that stay known at all; older ones cross as new ones again. */
const KNOWN_OBJECTS = 20_000;
const KNOWN_ELEMENTS = 1_000_000;

function isData(v) {
  if (Object.getOwnPropertySymbols(v).length > 0) return false;
  return Object.entries(Object.getOwnPropertyDescriptors(v)).every(
    ([k, d]) => d.enumerable && own(d, 'value') && (typeof d.value !== 'function' || !TELLING.has(k)),
  );
}

/** What kind of plain data an object is; null when it is none. `lax`: classes below Array count as Array. */
function kindOf(v, lax) {
  const p = Object.getPrototypeOf(v);
  if (Array.isArray(v)) return p === Array.prototype || lax ? 'a' : null;
  if (p === Object.prototype || p === null) return isData(v) ? (p === null ? 'n' : 'o') : null;
  if (p === Map.prototype && v instanceof Map) return 'map';
  if (p === Set.prototype && v instanceof Set) return 'set';
  if (p === Date.prototype && Object.prototype.toString.call(v) === '[object Date]') return 'date';
  if (Buffer.isBuffer(v)) return 'buffer';
  const tag = Object.prototype.toString.call(v).slice(8, -1);
  return own(TYPED, tag) && p === TYPED[tag].prototype ? tag : null;
}

/** Everything in an object, as one flat list of values. */
function stateOf(kind, v) {
  if (kind === 'a') return v.slice();
  if (kind === 'o' || kind === 'n') return Object.entries(v).flat(1);
  if (kind === 'map') return Array.from(v).flat(1);
  if (kind === 'set') return Array.from(v);
  if (kind === 'date') return [v.getTime()];
  return Array.from(v);
}

function shell(kind, size) {
  if (kind === 'a') return [];
  if (kind === 'o') return {};
  if (kind === 'n') return Object.create(null);
  if (kind === 'map') return new Map();
  if (kind === 'set') return new Set();
  if (kind === 'date') return new Date(NaN);
  if (kind === 'buffer') return Buffer.alloc(size);
  if (own(TYPED, kind)) return new TYPED[kind](size);
  throw new AnswerDied('the answer broke the protocol');
}

/** Makes an object what a flat list says. `holes`: places of an array that are empty. */
function fill(kind, v, flat, holes) {
  if (kind === 'a') {
    v.length = flat.length;
    flat.forEach((x, i) => {
      if (holes?.includes(i)) delete v[i];
      else v[i] = x;
    });
  } else if (kind === 'o' || kind === 'n') {
    for (const k of Object.keys(v)) delete v[k];
    for (let i = 0; i < flat.length; i += 2)
      Object.defineProperty(v, String(flat[i]), {
        value: flat[i + 1],
        writable: true,
        enumerable: true,
        configurable: true,
      });
  } else if (kind === 'map') {
    v.clear();
    for (let i = 0; i < flat.length; i += 2) v.set(flat[i], flat[i + 1]);
  } else if (kind === 'set') {
    v.clear();
    for (const x of flat) v.add(x);
  } else if (kind === 'date') v.setTime(flat[0]);
  else v.set(flat);
}

/** 0: open, 1: nothing may be added, 2: sealed, 3: frozen. */
function firmness(v) {
  if (Object.isExtensible(v)) return 0;
  return Object.isFrozen(v) ? 3 : Object.isSealed(v) ? 2 : 1;
}

const FIRM = [(v) => v, Object.preventExtensions, Object.seal, Object.freeze];

function sameState(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Whether an object is still as it was; what is common is compared in place. */
function unchanged({ kind, v, last, firm }) {
  if (firmness(v) !== firm) return false;
  if (kind === 'a') return sameState(v, last);
  if (kind !== 'o') return sameState(stateOf(kind, v), last);
  const keys = Object.keys(v);
  if (keys.length * 2 !== last.length) return false;
  for (let i = 0; i < keys.length; i++)
    if (keys[i] !== last[2 * i] || !Object.is(v[keys[i]], last[2 * i + 1])) return false;
  return true;
}

/** The replicas of one side. `first`: 0 or 1; each side numbers its own objects in steps of two. */
class SharedData {
  constructor(side, first) {
    this.side = side;
    this.next = first;
    this.drops = first === 0;
    this.entries = new Map();
    this.numbers = new WeakMap();
    this.window = new Set();
    this.pending = new Set();
    this.elements = 0;
    this.round = 0;
  }

  touch(entry) {
    entry.round = this.round;
    this.window.delete(entry);
    this.window.add(entry);
  }

  add(number, kind, v) {
    const entry = { number, kind, v, last: [], firm: 0, version: 0, round: this.round };
    this.entries.set(number, entry);
    this.numbers.set(v, number);
    this.window.add(entry);
    return entry;
  }

  /** Whether `v` is a replica of an object that the other side made. */
  isTheirs(v) {
    const number = v !== null && typeof v === 'object' ? this.numbers.get(v) : undefined;
    return number !== undefined && number % 2 !== this.next % 2;
  }

  /** A reference to plain data, or null when `v` is none. */
  refer(v) {
    const number = this.numbers.get(v);
    const known = number === undefined ? undefined : this.entries.get(number);
    if (known) {
      this.touch(known);
      return { '@': number };
    }
    const kind = kindOf(v, !this.side.keepsClasses);
    if (kind === null) return null;
    const entry = this.add(this.next, kind, v);
    this.next += 2;
    this.pending.add(entry);
    return { '@': entry.number };
  }

  /** A message with the contents of all that is new or has changed since the last one. */
  seal(message) {
    const objects = [];
    const put = (entry, state) => {
      const holes =
        entry.kind === 'a' ? state.flatMap((x, i) => (x === undefined && !(i in entry.v) ? [i] : [])) : [];
      this.remember(entry, state);
      entry.version++;
      const flat = Array.from(state, (x) => this.side.encode(x));
      objects.push([entry.number, entry.kind, entry.version, flat, entry.firm, holes]);
    };
    for (const entry of this.window) {
      if (!this.pending.has(entry) && !unchanged(entry)) put(entry, stateOf(entry.kind, entry.v));
    }
    while (this.pending.size > 0) {
      const [entry] = this.pending;
      this.pending.delete(entry);
      put(entry, stateOf(entry.kind, entry.v));
    }
    this.round++;
    this.shrink(message);
    return objects.length > 0 ? { ...message, objects } : message;
  }

  remember(entry, state) {
    this.elements += state.length - entry.last.length;
    entry.last = state;
    entry.firm = firmness(entry.v);
  }

  /** Lets go of the oldest; what the last two messages were about always stays. */
  shrink(message) {
    let elements = 0;
    for (const entry of this.window) elements += entry.last.length;
    for (const entry of this.window) {
      if (
        (this.window.size <= WINDOW_OBJECTS && elements <= WINDOW_ELEMENTS) ||
        entry.round >= this.round - 2
      )
        break;
      this.window.delete(entry);
      elements -= entry.last.length;
    }
    if (!this.drops || (this.entries.size <= KNOWN_OBJECTS && this.elements <= KNOWN_ELEMENTS)) return;
    message.drop = Array.from(this.entries.values(), (e) =>
      e.round < this.round - 2 ? e.number : -1,
    ).filter((n) => n >= 0);
    this.drop(message.drop);
  }

  drop(numbers) {
    for (const number of numbers) {
      const entry = this.entries.get(number);
      if (!entry) continue;
      this.elements -= entry.last.length;
      this.entries.delete(number);
      this.window.delete(entry);
    }
  }

  /** Takes over what a message brings. */
  open({ objects = [], drop = [] }) {
    this.round++;
    const fresh = [];
    for (const [number, kind, version, flat, firm, holes] of objects) {
      if (!Array.isArray(flat)) throw new AnswerDied('the answer broke the protocol');
      const entry = this.entries.get(number) ?? this.add(number, kind, shell(kind, flat.length));
      if (version <= entry.version) continue;
      entry.version = version;
      this.touch(entry);
      fresh.push([entry, flat, firm, holes]);
    }
    for (const [entry, flat, firm, holes] of fresh) {
      if (!Object.isFrozen(entry.v))
        fill(
          entry.kind,
          entry.v,
          flat.map((x) => this.side.decode(x)),
          holes,
        );
      // A replica of elements cannot be frozen where the original can.
      if (firm > 0 && firm <= 3) FIRM[firm](entry.v);
      this.remember(entry, stateOf(entry.kind, entry.v));
    }
    if (!this.drops) this.drop(drop);
  }

  find(number) {
    const entry = this.entries.get(number);
    if (!entry) throw new AnswerDied('the answer broke the protocol');
    this.touch(entry);
    return entry.v;
  }
}

module.exports = { SharedData, TELLING };
