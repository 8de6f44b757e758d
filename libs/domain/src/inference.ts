import type { Dimension } from './task';
import { guessLanguage, languageNamed } from './verification/languages';

/**
 * What a task is, from its prompt alone, for submitters who do not say. Heuristics on wording and structure,
 * this project's own; docs/memory.md says how often they are right.
 */

/** So much of a prompt is looked at; what is asked for stands at its start or end. */
const HEAD_CHARS = 12_000;
const TAIL_CHARS = 4_000;
/** What `inferLanguage` returns when nothing tells. */
export const UNKNOWN_LANGUAGE = 'unknown';

/** Evidence for a dimension: found anywhere in the prompt, it adds `weight`. */
type Clue = readonly [dimension: Dimension, weight: number, pattern: RegExp];

const CLUES: readonly Clue[] = [
  [
    'test_generation',
    5,
    /\b(write|generate|create|add|produce|provide|design)\b[^.\n]{0,60}\b(unit|pytest|jest|property|regression|integration)?[- ]?(tests?|test[- ]?(cases?|suites?|code)|assertions)\b/i,
  ],
  [
    'test_generation',
    3,
    /\b(unit tests?|test cases?|test suite|coverage|edge cases)\b[^.\n]{0,40}\b(for|of|that)\b[^.\n]{0,40}\b(function|class|method|module|code|implementation)\b/i,
  ],
  ['test_generation', 4, /\bcomplete the (following )?(test|assert)/i],
  ['bug_fixing', 6, /\b(fix|debug|repair|patch) (it|this|that|the|my|a|all|any)\b/i],
  [
    'bug_fixing',
    5,
    /\b(fix|debug|correct|find|locate|resolve)\b[^.\n]{0,60}\b(bugs?|errors?|issues?|defects?|faults?|mistakes?|problems?|crash(es)?|failing)\b/i,
  ],
  [
    'bug_fixing',
    4,
    /\b(buggy|bug report|is broken|breaks (on|when|with)|never ends|does(n't| not) work|fails? (with|when|to|on)|wrong (result|output|answer)|incorrect(ly)?|regression in|misleading|unexpected(ly)?)\b/i,
  ],
  ['bug_fixing', 4, /traceback \(most recent call last\)|^\w*(Error|Exception): /m],
  [
    'bug_fixing',
    4,
    /\b(expected|actual|current) (behaviou?r|results?)\b|\b(steps|how) to reproduce\b|\bminimal (reproducible )?example\b/i,
  ],
  [
    'bug_fixing',
    3,
    /^description\s*$|^#+ (bug|issue|description|environment|versions?)\b|\bsystem details\b|\blast modified by\b/im,
  ],
  [
    'bug_fixing',
    2,
    /\b(I'm|I am|I've|I have|we|we're) (trying|using|getting|seeing|noticed|found|ran into)\b|\b(issue|ticket|pull request|PR) ?#?\d+\b/i,
  ],
  ['bug_fixing', 1, /\b(raises?|throws?|crash(es)?|deprecat\w+|should (not|be able to|also)|instead of)\b/i],
  [
    'code_refactoring',
    6,
    /\brefactor|\bclean(ing)? up (the|this|my|following)\b|\brestructure|\bde-?duplicate|\bmoderni[sz]e\b/i,
  ],
  [
    'code_refactoring',
    5,
    /\b(without (changing|altering)|preserv(e|ing)|keep(ing)?)\b[^.\n]{0,40}\b(behaviou?r|semantics|functionality|interface)\b/i,
  ],
  [
    'code_refactoring',
    4,
    /\b(simplify|rename|extract|inline|split|rewrite|optimi[sz]e|improve|edit|modify)\b[^.\n]{0,40}\b(code|function|method|class|readab\w+|variables?|constants?|module)\b/i,
  ],
  [
    'code_completion',
    6,
    /\b(complete|finish|continue) (the|this|my|following)\b[^.\n]{0,40}\b(code|function|method|body|line|snippet|implementation|program|class|expression)\b/i,
  ],
  [
    'code_completion',
    6,
    /\bfill[- ]?in (the|this)\b|\bmissing (code|line|part|body|expression)s?\b|<(fill|mask|blank|hole)[^>]*>|==\s*\?\?|\b_{4,}\b|(#|\/\/) ?(TODO|your code here)/i,
  ],
  [
    'code_understanding',
    6,
    /\b(explain|understand|summari[sz]e|describe|comment on|document)\b[^.\n]{0,50}\b(code|function|method|snippet|program|class|it does|does)\b/i,
  ],
  [
    'code_understanding',
    6,
    /\b(what|which|how many|in which order)\b[^.\n]{0,50}\b(do|print|return|output|purpose|compute|result)s?\b[^.\n]{0,40}\?|\b(predict|determine|trace)\b[^.\n]{0,30}\b(output|result|value)\b/i,
  ],
  [
    'code_understanding',
    4,
    /\b(docstring|summary|description|comment|name)\b[^.\n]{0,20}\b(for|of) (the|this) (following |given )?(code|function|method|snippet|class)\b|\bobscure\b/i,
  ],
  [
    'multi_language',
    7,
    /\b(translat|convert|port|transpil|migrat)\w*\b[^.\n]{0,80}\b(to|into)\b[^.\n]{0,20}\b(python|java|javascript|typescript|go|golang|rust|c\+\+|c#|kotlin|swift|ruby|php|scala|perl|lua|haskell|julia)(?![\w+#])/i,
  ],
  [
    'data_science',
    4,
    /\b(pandas|numpy|data ?frames?|matplotlib|seaborn|scikit-learn|sklearn|scipy|tensorflow|pytorch|keras|statsmodels)\b/i,
  ],
  ['data_science', 3, /\bimport (numpy|pandas)\b|\b(np|pd|plt)\.\w+|\bdf\[|\.groupby\(/],
  [
    'data_science',
    3,
    /\b(data ?set|histograms?|scatter ?plot|regression model|classifier|correlation|standard deviation|csv|pivot|moving averages?|rolling|outliers?|percentiles?|quantiles?|quartiles?|z-scores?|median|interpolat\w+|time series|(left|inner|outer) join|group(ed)? by)\b/i,
  ],
  ['algorithm', 5, /^\s*#*\s*\**(input format|output format|sample input|sample output|constraints)\b/im],
  [
    'algorithm',
    4,
    /\b(standard input|standard output|stdin|stdout)\b[\s\S]{0,400}\b(line|integers?|test cases?)\b|\bfirst line (contains|of (the )?input)\b/i,
  ],
  [
    'algorithm',
    4,
    /\d\s*(<=|≤|\\le(q)?)\s*\$?\w+[\w\s,.[\]]*\$?\s*(<=|≤|\\le(q)?)\s*\$?\d|\b10\s*(\^|\*\*)\s*\{?9\}?\s*\+\s*7\b/,
  ],
  [
    'algorithm',
    4,
    /\b(leetcode|codeforces|atcoder|time complexity|O\((n|log|1)|dynamic programming|(shortest|longest) path|spanning tree|topological\w*|binary search|knapsack|backtracking|longest (common|increasing|palindromic)|sub-?(sequence|array|string)s?|(next|all) permutations?|lexicographic(al|ally)?|overlapping|dijkstra)\b/i,
  ],
  [
    'algorithm',
    3,
    /\b(minimum|maximum|fewest|highest|largest|smallest|number of ways|shortest|longest)\b[^.\n]{0,40}\b(number|possible|sum|total|ways|path|length|cost|steps|operations)\b/i,
  ],
  [
    'code_generation',
    1,
    /\b(write|implement|create|build|develop|define|add|generate)\b[^.\n]{0,60}\b(functions?|class(es)?|program|script|module|method|api|endpoint|command|component|feature|tool|parser)\b/i,
  ],
];

/** Less evidence than this, and a prompt that tells nothing else asks for code. */
const LEAST_EVIDENCE = 2;

/**
 * The dimension of a prompt. Pure and total; O(length) over at most 16,000 characters.
 * @param language as given or inferred; a plain request for code in a language that few data sets cover counts
 *   as `multi_language`, as CodeRouterBench counts it.
 */
export function inferDimension(prompt: string, language: string): Dimension {
  const text = readable(prompt);
  const scores = new Map<Dimension, number>();
  for (const [dimension, weight, pattern] of CLUES)
    if (pattern.test(text)) scores.set(dimension, (scores.get(dimension) ?? 0) + weight);
  if (isUnfinishedCode(text)) scores.set('code_completion', (scores.get('code_completion') ?? 0) + 6);
  let best: Dimension = 'code_generation';
  let most = Math.max(LEAST_EVIDENCE, scores.get(best) ?? 0);
  for (const [dimension, score] of scores) if (score > most) [best, most] = [dimension, score];
  const asksForCode = best === 'code_generation' || best === 'code_completion';
  return asksForCode && !COMMON.has(language) ? 'multi_language' : best;
}

const COMMON = new Set(['python', 'javascript', 'typescript', 'bash', 'sql', UNKNOWN_LANGUAGE]);

/** Code from the first line to the last, that ends in an open function: a body is asked for. */
function isUnfinishedCode(text: string): boolean {
  const lines = text.trim().split('\n');
  const code =
    /^(def |class |import |from |@|#|\/\/|\/\*|\*|"""|'''|function |const |let |var |export |public |package |use |using |fn |func |[\s})\]])/;
  if (!lines.every((line) => line.trim() === '' || code.test(line))) return false;
  const last = lines.at(-1)?.trim() ?? '';
  return /("""|'''|\*\/|[:{])$|^(#|\/\/)|^pass$/.test(last);
}

const LANGUAGE_NAMES: readonly (readonly [language: string, name: string])[] = [
  ['python', 'python(?:3| 3)?'],
  ['javascript', 'java ?script|node(?:\\.?js)?|ecmascript'],
  ['typescript', 'typescript'],
  ['java', 'java(?! ?script)'],
  ['cpp', 'c\\+\\+|cpp'],
  ['csharp', 'c#|c ?sharp'],
  // "c" and "r" alone, and "go", are words or letters too often: see NEEDS_COMPANY.
  ['c', 'c(?![+#])'],
  ['go', 'golang|go'],
  ['rust', 'rust'],
  ['ruby', 'ruby'],
  ['php', 'php'],
  ['kotlin', 'kotlin'],
  ['swift', 'swift'],
  ['scala', 'scala'],
  ['haskell', 'haskell'],
  ['perl', 'perl'],
  ['lua', 'lua'],
  ['julia', 'julia'],
  ['r', 'r'],
  ['sql', 'sql'],
  ['bash', 'bash|shell'],
];
/** Names that mean a language only in company ("in Go", "a C program"). */
const NEEDS_COMPANY = new Set(['c', 'go', 'r', 'swift', 'bash', 'sql', 'julia', 'rust']);
const THINGS =
  'function|program|code|class|script|method|module|snippet|implementation|solution|package|struct|service|developer|query';

const LANGUAGE_CLUES = LANGUAGE_NAMES.map(([language, name]) => ({
  language,
  target: new RegExp(`\\b(?:to|into) (?:an? )?(?:idiomatic |modern )?(?:${name})(?![\\w+#-])`, 'i'),
  company: new RegExp(
    `\\b(?:in|using|with|idiomatic|modern) (?:${name})(?![\\w+#-])|(?<![\\w-])(?:${name}) (?:[\\w-]+ )?(?:${THINGS})s?\\b`,
    'i',
  ),
  mention: new RegExp(`(?<![\\w.-])(?:${name})(?![\\w+#-])`, 'i'),
}));

/** What projects of a language leave behind in a report: file names, tools, spellings. */
const LANGUAGE_TRACES: readonly (readonly [language: string, trace: RegExp])[] = [
  [
    'python',
    /\b\w+\.py\b|\b__\w+__\b|\bpip3? install\b|^\s*>>> |\bself\.\w|\b(ValueError|KeyError|AttributeError)\b|\b(django|numpy|pandas|pytest)\b/im,
  ],
  ['javascript', /\b\w+\.(js|mjs|cjs|jsx)\b|\bpackage\.json\b|\bnpm (install|run|test)\b/i],
  ['typescript', /\b\w+\.tsx?\b|\btsconfig\b/i],
  ['go', /\b\w+\.go\b|\bgo\.mod\b/],
  ['rust', /\b\w+\.rs\b|\bCargo\.toml\b/],
  ['java', /\b\w+\.java\b|\bpom\.xml\b/],
  ['cpp', /\b\w+\.(cpp|cc|hpp|cxx)\b|\bCMakeLists\b/],
  ['ruby', /\b\w+\.rb\b|\bGemfile\b/],
  ['php', /\b\w+\.php\b|<\?php/],
];

/**
 * The programming language that the answer is to be in, lower case (`python`, `javascript`, `cpp`, …), or
 * `unknown`. Pure and total.
 */
export function inferLanguage(prompt: string): string {
  const text = readable(prompt);
  const scores = new Map<string, number>();
  const add = (language: string, score: number) => scores.set(language, (scores.get(language) ?? 0) + score);
  const asksToTranslate = /\b(translat|convert|port|transpil|migrat|rewrit)/i.test(text);
  for (const { language, target, company, mention } of LANGUAGE_CLUES) {
    if (asksToTranslate && target.test(text)) add(language, 20);
    if (company.test(text)) add(language, 4);
    if (!NEEDS_COMPANY.has(language) && mention.test(text)) add(language, 2);
  }
  for (const [, tag] of text.matchAll(/^\s*(?:```|~~~)([\w+#-]+)/gm)) {
    const language = knownLanguage(tag!);
    if (language) add(language, 3);
  }
  for (const [language, trace] of LANGUAGE_TRACES) if (trace.test(text)) add(language, 2);
  const guessed = guessLanguage(text);
  if (guessed) add(guessed, 3);
  let best = UNKNOWN_LANGUAGE;
  for (const [language, score] of scores) if (score > (scores.get(best) ?? 0)) best = language;
  return best;
}

const KNOWN = new Set(LANGUAGE_NAMES.map(([language]) => language));
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'c#': 'csharp',
  cs: 'csharp',
  rb: 'ruby',
  kt: 'kotlin',
  hs: 'haskell',
  jl: 'julia',
  pl: 'perl',
};

/** One name per language, whatever a submitter or a fence calls it: `Python3` → `python`. `null` for no language we know. */
export function knownLanguage(name: string): string | null {
  const lower = name.trim().toLowerCase();
  const named = languageNamed(lower) ?? OTHER_NAMES[lower] ?? lower;
  return KNOWN.has(named) ? named : null;
}

/** The ends of a prompt, without long runs of blanks: `^\s*` would take quadratic time on them. */
function readable(prompt: string): string {
  const ends =
    prompt.length <= HEAD_CHARS + TAIL_CHARS
      ? prompt
      : `${prompt.slice(0, HEAD_CHARS)}\n${prompt.slice(-TAIL_CHARS)}`;
  return ends.replaceAll(/[^\S\n]{9,}/g, ' '.repeat(8)).replaceAll(/\n\s*\n/g, '\n\n');
}
