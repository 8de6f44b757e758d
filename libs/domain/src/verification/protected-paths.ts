/** Tests by the names that the frameworks look for. */
const TEST_FILES = [
  '**/test_*.py',
  '**/*_test.py',
  '**/tests.py',
  '**/*.{test,spec}.*',
  '**/*_test.go',
  '**/{test,tests,__tests__,spec,testing,__snapshots__}/**',
];

/** What decides how tests are found, loaded, run and reported, and modules that would take a framework's place. */
const TEST_SETTINGS = [
  '**/conftest.py',
  '**/{pytest,tox}.ini',
  '**/.pytest.ini',
  '**/{setup.cfg,pyproject.toml,noxfile.py,.coveragerc}',
  '**/{sitecustomize,usercustomize}.py',
  '**/*.pth',
  '**/{pytest,unittest,_pytest,pluggy,doctest}.py',
  '**/{pytest,unittest,_pytest,pluggy}/**',
  '**/package.json',
  '**/{jest,vitest,vite,babel,karma,playwright,ava}.config.*',
  '**/.{mocharc,babelrc,npmrc,nycrc,taprc}*',
  '**/tsconfig*.json',
  '**/node_modules/**',
  '**/{Makefile,makefile,GNUmakefile}',
  '**/.git*',
  '**/.git/**',
];

/** Every path pattern that an answer to a repository task may not change unless the task allows it. */
export const PROTECTED_PATHS: readonly string[] = [...TEST_FILES, ...TEST_SETTINGS];

/** A glob as an expression: `*` and `?` stay in a folder, `**` does not, `{a,b}` chooses. Everything else is literal. */
function globExpression(glob: string): RegExp {
  const parts = glob.match(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[^*?{]+|\{/g) ?? [];
  const translated = parts.map((part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (/^\{.*\}$/.test(part)) return `(?:${part.slice(1, -1).split(',').map(escaped).join('|')})`;
    return escaped(part);
  });
  return new RegExp(`^${translated.join('')}$`, 'i');
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Whether a path fits one of the globs. Upper and lower case are one: some file systems think so. */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  const expressions = globs.map(globExpression);
  return (path) => expressions.some((e) => e.test(path));
}

/** Whether a path looks like a file with tests. */
export const isTestFile = pathMatcher(TEST_FILES);

/**
 * Which paths an answer may not change: the known names of tests and their settings, and those of the task; less
 * what the task allows.
 */
export function protection(protect: readonly string[] = [], allow: readonly string[] = []) {
  const [is, may] = [pathMatcher([...PROTECTED_PATHS, ...protect]), pathMatcher(allow)];
  return (path: string): boolean => is(path) && !may(path);
}
