import { INCOMPARABLE, RAISED } from '@acrouter/domain/verification/agreement';
import type { ProbedLanguage } from '@acrouter/domain/verification/probe-inputs';

/** Characters of a digest. With 16 calls and the word, the message stays below the 500 that a report keeps. */
const DIGEST = 12;

/**
 * Tests that make the calls and fail with a message of `word` and one digest per call. The tests' process alone
 * knows the word and makes the message, so that an answer can neither print nor raise it. Numbers are compared to 9
 * digits, lists and tuples alike, sets and maps in any order; an error by its kind; anything else is incomparable.
 */
export function probeTests(language: ProbedLanguage, calls: readonly string[], word: string): string {
  return language === 'python' ? pythonTests(calls, word) : scriptTests(calls, word);
}

/** The digests in a failure's message; `null` where it is another failure. */
export function digestsIn(message: string, word: string, count: number): string[] | null {
  const at = message.indexOf(word);
  if (at < 0) return null;
  const text = message.slice(at + word.length);
  const digests = Array.from({ length: count }, (_, i) => text.slice(i * DIGEST, (i + 1) * DIGEST));
  return digests.every((d) => /^[?!0-9a-f][0-9a-f?]+$/.test(d) && d.length === DIGEST) ? digests : null;
}

const pythonTests = (calls: readonly string[], word: string) => `
def _acr_probe():
    import hashlib

    class Incomparable(Exception):
        pass

    def show(v, depth=0):
        t = type(v)
        if depth > 50:
            raise Incomparable()
        if v is None or t is bool:
            return str(v)
        if t in (int, float):
            return "%.9g" % v if -1e15 < v < 1e15 else repr(v)
        if t in (str, bytes):
            return repr(v)
        if t in (list, tuple):
            return "[" + ",".join(show(x, depth + 1) for x in v) + "]"
        if t in (set, frozenset):
            return "{" + ",".join(sorted(show(x, depth + 1) for x in v)) + "}"
        if isinstance(v, dict):
            return "{" + ",".join(sorted(show(k, depth + 1) + ":" + show(x, depth + 1) for k, x in v.items())) + "}"
        raise Incomparable()

    def digest(call):
        try:
            return hashlib.sha256(show(call()).encode("utf-8", "replace")).hexdigest()[:${DIGEST}]
        except Incomparable:
            return "${INCOMPARABLE}" * ${DIGEST}
        except Exception as e:
            return "${RAISED}" + hashlib.sha256(type(e).__name__.encode()).hexdigest()[:${DIGEST - 1}]

    calls = [
${calls.map((call) => `        lambda: (${call}),`).join('\n')}
    ]
    return "".join(digest(call) for call in calls)


_acr_result = _acr_probe()
raise AssertionError("${word}" + _acr_result)
`;

const scriptTests = (calls: readonly string[], word: string) => `
const acrHash = (text) => {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (b >>> 0).toString(16).padStart(8, '0') + (a >>> 0).toString(16).padStart(8, '0');
};
const acrOther = {};
const acrShow = (v, depth = 0) => {
  if (depth > 50) throw acrOther;
  const inner = (x) => acrShow(x, depth + 1);
  if (v === null || v === undefined || typeof v === 'boolean') return String(v);
  if (typeof v === 'number') return Math.abs(v) < 1e15 ? String(Number(v.toPrecision(9))) : String(v);
  if (typeof v === 'bigint') return String(v);
  if (typeof v === 'string') return JSON.stringify(v);
  if (Array.isArray(v)) return '[' + v.map(inner).join() + ']';
  if (v instanceof Set) return 'S{' + [...v].map(inner).sort().join() + '}';
  if (v instanceof Map) return 'M{' + [...v].map(([k, x]) => inner(k) + ':' + inner(x)).sort().join() + '}';
  if (v instanceof Date) return 'D' + v.getTime();
  if (Object.getPrototypeOf(v) === Object.prototype)
    return '{' + Object.keys(v).sort().map((k) => JSON.stringify(k) + ':' + inner(v[k])).join() + '}';
  throw acrOther;
};
const acrDigest = (call) => {
  try {
    return acrHash(acrShow(call())).slice(0, ${DIGEST});
  } catch (e) {
    if (e === acrOther) return '${INCOMPARABLE}'.repeat(${DIGEST});
    if (!(e instanceof Error) || e.constructor.name === 'AnswerDied') throw e;
    return '${RAISED}' + acrHash(String(e.name)).slice(0, ${DIGEST - 1});
  }
};
const acrCalls = [
${calls.map((call) => `  () => (${call}),`).join('\n')}
];
const acrResult = acrCalls.map(acrDigest).join('');
throw new Error('${word}' + acrResult);
`;
