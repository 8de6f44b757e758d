import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyRepositoryAnswer, readRepositoryAnswer } from './repository-edits';

const texts = new Map<string, string | null>([
  ['src/a.py', 'one\ntwo\nthree\n'],
  ['src/b.py', 'b\n'],
  ['run.sh', 'echo\n'],
  ['logo.png', null],
  ['tests/test_a.py', 'assert 1\n'],
]);
const tree = new Map<string, string>([
  ...[...texts.keys()].map((path) => [path, path === 'run.sh' ? '100755' : '100644'] as const),
  ['link', '120000'],
  ['vendor', '160000'],
]);

function apply(answer: string): Record<string, string | null> | string {
  const read = readRepositoryAnswer(answer, tree);
  if (read.kind === 'rejected') return read.reason;
  const originals = new Map(read.paths.map((p) => [p, texts.get(p) ?? null]));
  const edited = applyRepositoryAnswer(read, tree, originals);
  if (edited.kind === 'rejected') return edited.reason;
  return Object.fromEntries([...edited.files].map(([path, { text }]) => [path, text]));
}
const fenced = (diff: string) => `Here it is:\n\n\`\`\`diff\n${diff}\n\`\`\`\nDone.`;
const header = (from: string, to = from) => `--- a/${from}\n+++ b/${to}\n`;

describe('diffs', () => {
  test.each<[string, string, Record<string, string | null>]>([
    ['edit', `${header('src/a.py')}@@ -1,2 +1,2 @@\n one\n-two\n+2`, { 'src/a.py': 'one\n2\nthree\n' }],
    [
      'edit two files',
      `${header('src/a.py')}@@ -2 +2 @@\n-two\n+2\n${header('src/b.py')}@@ -1 +1 @@\n-b\n+c`,
      { 'src/a.py': 'one\n2\nthree\n', 'src/b.py': 'c\n' },
    ],
    ['create', '--- /dev/null\n+++ b/src/new/c.py\n@@ -0,0 +1,2 @@\n+x\n+y', { 'src/new/c.py': 'x\ny\n' }],
    [
      'create as git says it',
      'diff --git a/c.py b/c.py\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/c.py\n@@ -0,0 +1 @@\n+x',
      { 'c.py': 'x\n' },
    ],
    ['create an empty file', 'diff --git a/e.py b/e.py\nnew file mode 100644\nindex 0..1', { 'e.py': '' }],
    ['delete', `--- a/src/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-b`, { 'src/b.py': null }],
    [
      'rename with a change',
      `diff --git a/src/b.py b/src/c.py\nsimilarity index 50%\nrename from src/b.py\nrename to src/c.py\n${header('src/b.py', 'src/c.py')}@@ -1 +1,2 @@\n b\n+c`,
      { 'src/b.py': null, 'src/c.py': 'b\nc\n' },
    ],
    [
      'rename',
      'diff --git a/src/b.py b/c.py\nsimilarity index 100%\nrename from src/b.py\nrename to c.py',
      { 'src/b.py': null, 'c.py': 'b\n' },
    ],
    [
      'change a mode',
      'diff --git a/src/b.py b/src/b.py\nold mode 100644\nnew mode 100755',
      { 'src/b.py': 'b\n' },
    ],
  ])('%s', (_name, diff, files) => {
    expect(apply(fenced(diff))).toEqual(files);
    expect(apply(`Sure.\n\n${diff}\n`)).toEqual(files);
  });

  test.each([
    [
      'other context',
      `${header('src/a.py')}@@ -1,2 +1,2 @@\n ONE\n-two\n+2`,
      'hunk 1 of the diff of src/a.py does not apply',
    ],
    [
      'the second hunk',
      `${header('src/a.py')}@@ -1 +1 @@\n-one\n+1\n@@ -9 +9 @@\n-nine\n+9`,
      'hunk 2 of the diff of src/a.py',
    ],
    [
      'a file that is not there',
      `${header('src/x.py')}@@ -1 +1 @@\n-a\n+b`,
      'src/x.py, which the repository does not have',
    ],
    ['creating what is there', '--- /dev/null\n+++ b/src/a.py\n@@ -0,0 +1 @@\n+x', 'has already'],
    ['deleting a part', '--- a/src/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one', 'not all of its lines'],
    [
      'a link',
      'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd',
      'a link or',
    ],
    ['through a link', '--- /dev/null\n+++ b/link/x.py\n@@ -0,0 +1 @@\n+x', 'link is a link'],
    ['the link itself', `${header('link')}@@ -1 +1 @@\n-a\n+b`, 'link is a link'],
    ['into a submodule', '--- /dev/null\n+++ b/vendor/x.py\n@@ -0,0 +1 @@\n+x', 'is a submodule'],
    ['below a file', '--- /dev/null\n+++ b/run.sh/x\n@@ -0,0 +1 @@\n+x', 'run.sh is a file'],
    ['a file where a folder is', '--- /dev/null\n+++ b/src\n@@ -0,0 +1 @@\n+x', 'lies below it'],
    ['out of the tree', '--- /dev/null\n+++ b/../x.py\n@@ -0,0 +1 @@\n+x', 'no path inside'],
    ['deep out of the tree', '--- /dev/null\n+++ b/src/../../x.py\n@@ -0,0 +1 @@\n+x', 'no path inside'],
    ['an absolute path', '--- /dev/null\n+++ /etc/cron.d/x\n@@ -0,0 +1 @@\n+x', 'no path inside'],
    ['git itself', '--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x', 'belongs to git'],
    ['git in capitals', '--- /dev/null\n+++ b/src/.GIT/config\n@@ -0,0 +1 @@\n+x', 'belongs to git'],
    [
      'a binary file',
      'diff --git a/logo.png b/logo.png\nGIT binary patch\nliteral 3',
      'changes a binary file',
    ],
    ['text in a binary file', `${header('logo.png')}@@ -1 +1 @@\n-a\n+b`, 'logo.png is not text'],
    ['nothing', `${header('src/b.py')}@@ -1 +1 @@\n-b\n+b`, 'changes nothing'],
  ])('%s: refused', (_name, diff, reason) => expect(apply(fenced(diff))).toContain(reason));
});

describe('whole files', () => {
  test('by the line above and by the info line, known and new', () => {
    const answer =
      '**src/a.py**\n```python\nnew\n```\n\n```python path=src/d.py\nd = 1\n```\nRun it:\n```sh\npython src/a.py\n```';
    expect(apply(answer)).toEqual({ 'src/a.py': 'new\n', 'src/d.py': 'd = 1\n' });
  });

  test.each([
    ['no name', '```python\nnew\n```', 'says which file it is'],
    ['no block', 'I am sorry.', 'neither a diff nor a code block'],
    ['the same file twice', '`src/b.py`\n```\n1\n```\n`src/b.py`\n```\n2\n```', 'twice'],
    ['out of the tree', '`../x.py`\n```\n1\n```', 'no path inside'],
    ['cut off', '`src/b.py`\n```\n1\n', 'cut off'],
  ])('%s: refused', (_name, answer, reason) => expect(apply(answer)).toContain(reason));
});

test('any text gets a result, and only paths inside the tree change', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '```',
      '```diff',
      '@@ -1 +1 @@',
      '--- a/src/b.py',
      '+++ b/src/b.py',
      '--- /dev/null',
      '+++ b/../x',
      '`src/new.py`',
      'new file mode 120000',
      'rename from src/b.py',
      'rename to link/x',
      '-b',
      '+1',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (lines) => {
      const result = apply(lines.join('\n'));
      if (typeof result === 'string') return result !== '';
      return Object.keys(result).every((p) => !p.startsWith('/') && !/(^|\/)(\.\.|\.git)(\/|$)/.test(p));
    }),
  );
});
