import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyEdits } from './edits';

const path = 'src/a.js';
const text = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\ntwo\n';
const diff = (body: string, header = `--- a/${path}\n+++ b/${path}\n`) =>
  `\`\`\`diff\n${header}${body}\n\`\`\``;
const apply = (answer: string, original = text) => applyEdits(answer, { [path]: original });
const result = (answer: string, original = text) => {
  const r = apply(answer, original);
  return r.kind === 'edited' ? r.files[path] : r.reason;
};

describe('whole files', () => {
  test.each([
    ['one block', '```js\nnew\n```'],
    ['a named block', 'Here:\n\n**src/a.js**\n```js\nnew\n```\nDone.'],
    ['the name in the info line', '```js path=src/a.js\nnew\n```'],
  ])('%s', (_name, answer) => expect(result(answer)).toBe('new\n'));

  test('line ends and the missing final newline stay as they were', () => {
    expect(result('```\na\nb\n```', 'x\r\ny\r\n')).toBe('a\r\nb\r\n');
    expect(result('```\na\nb\n```', 'x\ny')).toBe('a\nb');
  });

  test.each([
    ['cut off', '```js\nnew\n', 'cut off'],
    ['prose', 'I am sorry.', 'neither a diff nor a code block'],
    ['unchanged', `\`\`\`js\n${text}\`\`\``, 'changes nothing'],
    ['another file', '`test/a.test.js`\n```js\nnew\n```', 'test/a.test.js, which is not part'],
    ['two blocks', '```js\nnew\n```\n```js\nuse()\n```', 'which file'],
    ['NUL', '```js\nnew\0\n```', 'NUL'],
  ])('%s is refused', (_name, answer, reason) => expect(result(answer)).toContain(reason));
});

describe('diffs', () => {
  test('apply at their line', () =>
    expect(result(diff('@@ -1,3 +1,3 @@\n one\n-two\n+2\n three'))).toBe(text.replace('two', '2')));
  test('apply where the context is, when it is in one place only', () =>
    expect(result(diff('@@ -99,3 +99,4 @@\n five\n-six\n+6\n+6.5'))).toBe(text.replace('six', '6\n6.5')));
  test('apply hunk after hunk, without fence and with wrong counts', () =>
    expect(
      result(`--- a/${path}\n+++ b/${path}\n@@ -1,9 +1,9 @@\n-one\n+1\n@@ -7,2 +7,2 @@\n-seven\n+7\n two\n`),
    ).toBe('1\ntwo\nthree\nfour\nfive\nsix\n7\ntwo\n'));
  test('keep CRLF', () =>
    expect(result(diff('@@ -1,2 +1,2 @@\n a\n-b\n+c'), 'a\r\nb\r\nd\r\n')).toBe('a\r\nc\r\nd\r\n'));

  test.each([
    ['other context', diff('@@ -1,2 +1,2 @@\n ONE\n-two\n+2'), 'context is not in the file'],
    ['several places', diff('@@ -5,1 +5,1 @@\n-two\n+2'), 'several places'],
    ['no context', diff('@@ -5,0 +5,1 @@\n+2'), 'no context'],
    ['no hunk', diff(''), 'no hunk'],
    ['another file', diff('@@ -1 +1 @@\n-one\n+1', '--- a/x.js\n+++ b/x.js\n'), 'x.js, which is not part'],
    ['a path outside', diff('@@ -1 +1 @@\n-one\n+1', '--- a/../a.js\n+++ b/../a.js\n'), 'not part'],
    ['a new file', diff('@@ -0,0 +1 @@\n+1', '--- /dev/null\n+++ b/src/a.js\n'), 'creates a file'],
    ['a deletion', diff('@@ -1 +0,0 @@\n-one', `--- a/${path}\n+++ /dev/null\n`), 'deletes a file'],
    [
      'a rename',
      diff('', `diff --git a/${path} b/x\nsimilarity index 100%\nrename from ${path}\nrename to x\n`),
      'renames',
    ],
  ])('%s: refused', (_name, answer, reason) => expect(result(answer)).toContain(reason));
});

test('several files, each by its name; one named __proto__ is no file', () => {
  const both = applyEdits('`a.js`\n```js\n1\n```\n`b.js`\n```js\n2\n```', { 'a.js': 'x\n', 'b.js': 'y\n' });
  expect(both).toEqual({ kind: 'edited', files: { 'a.js': '1\n', 'b.js': '2\n' } });
  expect(applyEdits('`__proto__`\n```js\n1\n```', { 'a.js': 'x\n', 'b.js': 'y\n' }).kind).toBe('rejected');
});

test('any text gets a result and changes nothing else', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '```',
      '```diff',
      '@@ -1 +1 @@',
      '--- a/src/a.js',
      '+++ b/src/a.js',
      '-one',
      '+1',
      ' two',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (lines) => {
      const r = apply(lines.join('\n'));
      return r.kind === 'rejected' ? r.reason !== '' : Object.keys(r.files).join() === path;
    }),
  );
});
