import type { TaskSpec } from '@acrouter/contracts/task-file';
import { AcrError } from '@acrouter/domain/errors';
import { languageNamed } from '@acrouter/domain/verification/languages';
import { REPOSITORY_ARCHIVE } from '@acrouter/domain/verification/repository-archive';
import { createHash } from 'node:crypto';
import { extname, matchesGlob } from 'node:path';
import { inShell, quoted } from './checker';
import { groupFiles, orderGroups } from './grouping';
import { readImports, type ImportGraph } from './imports';
import type { RefactorOptions, Unit } from './journal';
import { buildPrompt } from './prompt';
import { listFiles, readTexts, type RepositoryFile } from './repository';

/** A larger repository is not sent along with each task; see docs/refactor.md. Base64 characters. */
export const MAX_INLINE_CHARS = 1_000_000;
const MAX_INLINE_TOTAL_CHARS = 200_000_000;
/** Files of the same kind that are read for imports and context: none larger than this. */
const MAX_SOURCE_BYTES = 1_000_000;

/** The repository at the base commit, as planning sees it. */
export interface Snapshot {
  files: ReadonlyMap<string, RepositoryFile>;
  texts: ReadonlyMap<string, string>;
  graph: ImportGraph;
  /** Chosen files that are not text, with the reason. */
  unreadable: ReadonlyMap<string, string>;
}

/** Files that any of the globs names and none that begins with `!` does, by path. */
export function chosenFiles(files: readonly RepositoryFile[], globs: readonly string[]): RepositoryFile[] {
  const [not, wanted] = [globs.filter((g) => g.startsWith('!')), globs.filter((g) => !g.startsWith('!'))];
  const matches = (path: string, glob: string) => matchesGlob(path, glob.replace(/^!?(\.\/)?/, ''));
  return files.filter(
    ({ path }) => wanted.some((glob) => matches(path, glob)) && !not.some((glob) => matches(path, glob)),
  );
}

/** Reads the chosen files, and those of the same kinds around them. */
export async function takeSnapshot(
  root: string,
  commit: string,
  globs: readonly string[],
): Promise<Snapshot> {
  const all = await listFiles(root, commit);
  const chosen = new Set(chosenFiles(all, globs).map((f) => f.path));
  if (chosen.size === 0)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `No file of the commit matches ${globs.join(', ')}. Quote the glob, so that the shell leaves it alone; only committed files count.`,
    );
  const endings = new Set([...chosen].map((path) => extname(path)));
  const wanted = all.filter(
    (f) => chosen.has(f.path) || (endings.has(extname(f.path)) && f.sizeBytes <= MAX_SOURCE_BYTES),
  );
  const read = await readTexts(root, wanted);
  const texts = new Map([...read].flatMap(([path, text]) => (text === null ? [] : [[path, text] as const])));
  const unreadable = new Map(
    [...chosen].filter((p) => !texts.has(p)).map((p) => [p, 'is not UTF-8 text'] as const),
  );
  return { files: new Map(wanted.map((f) => [f.path, f])), texts, graph: readImports(texts), unreadable };
}

/** The tasks of a refactor in the order of merging, and the units that cannot be asked, with their reasons. */
export function planUnits(snapshot: Snapshot, options: RefactorOptions): Unit[] {
  const chosen = chosenFiles([...snapshot.files.values()], options.globs).map((f) => f.path);
  const readable = chosen.filter((path) => snapshot.texts.has(path));
  const groups = orderGroups(groupFiles(readable, snapshot.graph, options.groupSize), snapshot.graph);
  const units = groups.flatMap((paths) => {
    const fits = (some: readonly string[]) => promptOf(snapshot, options, some) !== null;
    const parts = fits(paths) ? [paths] : paths.map((path) => [path]);
    const reason = `is too large for the limit of ${options.maxPromptTokens} prompt tokens`;
    return parts.map((part) => ({ key: keyOf(part), paths: part, skipped: fits(part) ? null : reason }));
  });
  const unreadable = [...snapshot.unreadable].map(([path, skipped]) => ({
    key: keyOf([path]),
    paths: [path],
    skipped,
  }));
  return [...units, ...unreadable];
}

const keyOf = (paths: readonly string[]): string => {
  const name = paths.join('+');
  return name.length <= 200 ? name : createHash('sha256').update(name).digest('hex');
};

const promptOf = (
  snapshot: Snapshot,
  options: RefactorOptions,
  paths: readonly string[],
  failure?: string,
): string | null =>
  buildPrompt({
    instruction: options.instruction,
    paths,
    texts: snapshot.texts,
    graph: snapshot.graph,
    verify: checkCommand(options, paths),
    maxTokens: options.maxPromptTokens,
    failure,
  });

/** What checks one answer: the command for each file where there is one, else the whole's. */
export const checkCommand = (options: RefactorOptions, paths: readonly string[]): string =>
  options.perFileVerify === null
    ? options.verify
    : paths.map((path) => options.perFileVerify?.replaceAll('{file}', quoted(path))).join(' && ');

/** Whether tasks can carry the repository (base64), so that the loop checks answers itself. */
export const fitsInTasks = (archive: string, tasks: number, options: RefactorOptions): boolean =>
  options.include.length === 0 &&
  archive.length <= MAX_INLINE_CHARS &&
  archive.length * tasks <= MAX_INLINE_TOTAL_CHARS &&
  options.verifyTimeoutMs <= 600_000;

/**
 * The task of a unit. `archive`: the repository as base64 of a gzipped tar, or `null` to check nothing in the loop.
 * `failure`: why an earlier answer was not merged.
 */
export function taskOf(
  unit: Unit,
  snapshot: Snapshot,
  options: RefactorOptions,
  archive: string | null,
  failure?: string,
): TaskSpec {
  const texts = unit.paths.map((path) => [path, snapshot.texts.get(path) ?? ''] as const);
  // What the answer has changed is there already and stays.
  const unpack = `base64 -d ${REPOSITORY_ARCHIVE} | tar -xzf - --skip-old-files && rm ${REPOSITORY_ARCHIVE}`;
  return {
    id: unit.key,
    prompt: promptOf(snapshot, options, unit.paths, failure) ?? promptOf(snapshot, options, unit.paths) ?? '',
    // Without the repository nothing could judge the answer; a diff is no program of that language either.
    language: archive === null ? 'text' : options.language,
    dimension: 'code_refactoring',
    maxAttempts: options.maxAttempts ?? undefined,
    metadata: { source: 'refactor', paths: unit.paths.slice(0, 20) },
    verification:
      archive === null
        ? undefined
        : {
            command: `${unpack} && ${inShell(checkCommand(options, unit.paths))}`,
            files: { ...Object.fromEntries(texts), [REPOSITORY_ARCHIVE]: archive },
            edits: unit.paths,
            timeoutMs: options.verifyTimeoutMs,
          },
  };
}

/** The language of most of the files; `bash` where none is known, which shows the base system only. */
export function languageOf(paths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const language = languageNamed(extname(path)) ?? 'bash';
    counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'bash';
}
