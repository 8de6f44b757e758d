/**
 * The lexical features of a coding task: words, identifiers and their parts, pairs of words, pieces of long
 * words, operators; and the shape of the text. Weights are this project's own, chosen by whether the nearest
 * neighbour shares the task's source (docs/memory.md; `acr bench retrieval` prints it).
 */
export type FeatureKind = 'word' | 'stop' | 'identifier' | 'pair' | 'piece' | 'operator' | 'shape';

export const FEATURE_WEIGHT: Record<FeatureKind, number> = {
  word: 1,
  stop: 0.4,
  identifier: 1,
  pair: 0.3,
  piece: 0.2,
  operator: 0.6,
  shape: 1,
};

/** What a hashed embedding is made of. Another scheme is another vector space, and so has another name. */
export interface FeatureScheme {
  /** First part of the embedder's id. */
  readonly name: string;
  /** Share of a vector's squared length that goes to the shapes, however long the text; 0 = shapes are left out. */
  readonly shapeShare: number;
  /** Calls `emit` for every feature of `text`, with repetition. O(length of the text). */
  each(text: string, emit: (kind: FeatureKind, feature: string) => void): void;
}

/** Words so common in prompts and code that sharing them says little. Negations are not among them: they matter. */
const STOP_WORDS = new Set(
  (
    'a an the of in on at to for from by with and or is are was be been it its this that these those as if you ' +
    'your we i he she they will can should must may given give write function def return returns returning ' +
    'input output list string int integer number value values example examples code following program python ' +
    'print self true false none null var let const import'
  ).split(' '),
);
/** Read at most so much from each end of a text: what a long prompt is about stands at its ends. */
const HEAD_CHARS = 24_000;
const TAIL_CHARS = 8_000;

const TOKEN = /[\p{L}_$][\p{L}\p{N}_$]*|\d+|[^\s\p{L}\p{N}_]{1,3}/gu;
const PART = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+|\p{L}+/gu;

/** 1 for letters, digits, `_` and `$`. */
const ASCII_WORD = Uint8Array.from({ length: 128 }, (_, c) => Number(/[\w$]/.test(String.fromCharCode(c))));

/** The scheme of the default embedding. */
export const CODE_FEATURES: FeatureScheme = { name: 'hashed-1', shapeShare: 0.3, each: eachFeature };

function eachFeature(text: string, emit: (kind: FeatureKind, feature: string) => void): void {
  const read = endsOf(text);
  let previous = '';
  for (const token of read.match(TOKEN) ?? []) {
    if (!isWord(token)) {
      emit('operator', token);
      continue;
    }
    const parts = partsOf(token);
    if (parts.length > 1) emit('identifier', token.toLowerCase());
    for (const part of parts) {
      emitWord(part, emit);
      if (previous) emit('pair', `${previous} ${part}`);
      previous = part;
    }
  }
  for (const shape of shapesOf(read)) emit('shape', shape);
}

function isWord(token: string): boolean {
  const first = token.charCodeAt(0);
  return first < 128 ? ASCII_WORD[first] === 1 : /^\p{L}/u.test(token);
}

/** The text, or both ends of one that is longer than 32,000 characters. */
export function endsOf(text: string): string {
  if (text.length <= HEAD_CHARS + TAIL_CHARS) return text;
  return `${text.slice(0, HEAD_CHARS)} ${text.slice(-TAIL_CHARS)}`;
}

/** `parseHTTPHeader_v2` → parse, http, header, v, 2. */
function partsOf(token: string): string[] {
  // Most tokens are one part, and a look for more takes longer than all the rest.
  if (/^[a-z]+$/.test(token)) return [token];
  return (token.match(PART) ?? []).map((part) => part.toLowerCase());
}

function emitWord(word: string, emit: (kind: FeatureKind, feature: string) => void): void {
  emit(STOP_WORDS.has(word) ? 'stop' : 'word', word);
  // Pieces let "sorting" meet "sorted"; in short words they would only repeat the word.
  if (word.length >= 5 && word.length <= 40 && !STOP_WORDS.has(word))
    for (let i = 0; i + 4 <= word.length; i++) emit('piece', word.slice(i, i + 4));
}

const SHAPES: readonly [string, RegExp][] = [
  ['fence', /^\s*```/m],
  ['doctest', /^\s*>>>/m],
  ['assert', /^\s*assert\b/m],
  ['stdin', /^\s*(sample |example )?input\b\s*:?/im],
  ['python-function', /^\s*(async )?def \w+\(/m],
  ['class', /^\s*(public |export |abstract )*class \w+/m],
  ['braces', /[;{]\s*$/m],
  ['markdown', /^#{1,4} \S/m],
  ['traceback', /traceback \(most recent|exception|error:/i],
  ['diff', /^(diff --git|@@ |\+\+\+ )/m],
];

/** What the text is made of, whatever it speaks about. */
function shapesOf(text: string): string[] {
  const found = SHAPES.filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
  return [...found, `length-${Math.round(Math.log2(text.length + 1))}`];
}
