import { posix } from 'node:path';

/** Which files import which, both ways. Paths as in the repository. */
export interface ImportGraph {
  /** Files that a file imports, in the order of appearance. */
  uses: ReadonlyMap<string, readonly string[]>;
  /** Files that import a file, by path. */
  usedBy: ReadonlyMap<string, readonly string[]>;
}

const SCRIPT = /\.[cm]?[jt]sx?$/;
const SCRIPT_IMPORT = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"\n]*|\.{1,2})['"]/g;
const PYTHON_IMPORT =
  /^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+\(?([\w, \t*]*)|import[ \t]+([\w., \t]+))/gm;
const C_INCLUDE = /^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"/gm;

/**
 * Reads imports between files of one repository by their text: relative imports of JavaScript and TypeScript,
 * Python modules below any folder on the way up, C and C++ includes. What it does not see (aliases, other
 * languages) only costs context and order, never correctness: every merge is verified.
 */
export function readImports(texts: ReadonlyMap<string, string>): ImportGraph {
  const uses = new Map<string, string[]>();
  const usedBy = new Map<string, string[]>();
  for (const [path, text] of texts) {
    const found = [...new Set(importsOf(path, text, texts))].filter((p) => p !== path);
    uses.set(path, found);
    for (const target of found) usedBy.set(target, [...(usedBy.get(target) ?? []), path]);
  }
  for (const list of usedBy.values()) list.sort();
  return { uses, usedBy };
}

function importsOf(path: string, text: string, files: ReadonlyMap<string, string>): string[] {
  const folder = posix.dirname(path);
  if (SCRIPT.test(path))
    return [...text.matchAll(SCRIPT_IMPORT)].flatMap((m) =>
      scriptFile(posix.join(folder, m[1] ?? ''), files),
    );
  if (path.endsWith('.py'))
    return [...text.matchAll(PYTHON_IMPORT)].flatMap((m) => pythonFiles(path, m, files));
  return [...text.matchAll(C_INCLUDE)].map((m) => posix.join(folder, m[1] ?? '')).filter((p) => files.has(p));
}

/** `./a` may be a.ts, a/index.ts, and with TypeScript `./a.js` may be a.ts. */
function scriptFile(target: string, files: ReadonlyMap<string, string>): string[] {
  const stem = target.replace(/\.([cm]?)js(x?)$/, '');
  const endings = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'];
  const candidates = [
    target,
    ...endings.map((e) => target + e),
    ...endings.map((e) => stem + e),
    ...endings.map((e) => `${target}/index${e}`),
  ];
  return candidates.filter((c) => files.has(c)).slice(0, 1);
}

function pythonFiles(path: string, match: RegExpMatchArray, files: ReadonlyMap<string, string>): string[] {
  const [, from, names, plain] = match;
  const folder = posix.dirname(path);
  if (from === undefined)
    return (plain ?? '').split(',').flatMap((m) => moduleFile(folder, m.trim().split(/\s/)[0] ?? '', files));
  const own = (names ?? '').split(',').map((n) => n.trim().split(/\s/)[0] ?? '');
  const dot = from.endsWith('.') ? from : `${from}.`;
  return [
    ...moduleFile(folder, from, files),
    ...own.flatMap((name) => moduleFile(folder, dot + name, files)),
  ];
}

function moduleFile(folder: string, module: string, files: ReadonlyMap<string, string>): string[] {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  const steps = module.slice(dots).split('.').filter(Boolean).join('/');
  if (steps === '') return [];
  let from = folder;
  for (let up = 1; up < dots; up++) from = posix.dirname(from);
  for (;;) {
    const base = posix.join(from, steps);
    const file = [`${base}.py`, `${base}/__init__.py`].find((p) => files.has(p));
    if (file) return [file];
    if (dots > 0 || from === '.') return [];
    from = posix.dirname(from);
  }
}
