import { describe, expect, test } from '@jest/globals';
import { taskSpecSchema } from './task-file';

const parse = (verification: object) => taskSpecSchema.safeParse({ prompt: 'x', verification });
const repository = { name: 'widgets', base: '3a274d263bcd8989c66b7ca466beac67d2bbd71e' };
const report = { format: 'node' };

describe('verification', () => {
  test.each([
    ['tests', { tests: 'assert 1' }],
    ['a command with a report', { command: 'x', report }],
    ['a report in a file', { command: 'x', report: { format: 'junit', path: 'out/r.xml' } }],
    [
      'a repository',
      { command: 'x', report, repository, failToPass: ['a'], protect: ['*.md'], allow: ['package.json'] },
    ],
    [
      'a repository judged by the exit code',
      { command: 'x', repository: { ...repository, include: ['node_modules'] } },
    ],
  ])('%s: accepted', (_name, verification) => expect(parse(verification).success).toBe(true));

  test.each<[string, object, string]>([
    ['a report without command', { report }, 'need "command"'],
    ['a repository without command', { repository, report }, 'need "command"'],
    ['names without report', { command: 'x', repository, failToPass: ['a'] }, 'need "report"'],
    ['names without repository', { command: 'x', report, passToPass: ['a'] }, 'need "repository"'],
    ['edits in a repository', { command: 'x', repository, edits: ['a'] }, 'do not go with "repository"'],
    ['an unknown format', { command: 'x', report: { format: 'nose' } }, 'Invalid option'],
    ['a report outside', { command: 'x', report: { format: 'tap', path: '../r.tap' } }, 'relative path'],
    [
      'a repository outside',
      { command: 'x', repository: { ...repository, name: '../widgets' } },
      'relative path',
    ],
    [
      'an absolute repository',
      { command: 'x', repository: { ...repository, name: '/etc' } },
      'relative path',
    ],
    ['a branch', { command: 'x', repository: { ...repository, base: 'main' } }, 'id of a commit'],
    [
      'an option as a commit',
      { command: 'x', repository: { ...repository, base: '--all' } },
      'id of a commit',
    ],
    [
      'included from outside',
      { command: 'x', repository: { ...repository, include: ['../x'] } },
      'relative path',
    ],
  ])('%s: refused', (_name, verification, reason) => {
    const parsed = parse(verification);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues.map((i) => i.message).join()).toContain(reason);
  });
});

describe('a file with the name of the answer’s own', () => {
  const parseTask = (language: string | undefined, verification: object) =>
    taskSpecSchema.safeParse({ prompt: 'x', language, verification: { command: 'x', ...verification } });

  test.each<[string, string | undefined, object]>([
    ['by default', 'python', { files: { 'answer.py': 'x' } }],
    ['by an alias of the language', 'js', { files: { 'answer.js': 'x' } }],
    ['as the task names it', undefined, { answerFile: 'src/a.py', files: { 'src/a.py': 'x' } }],
  ])('%s: refused', (_name, language, verification) => {
    const { error } = parseTask(language, verification);
    expect(error?.issues[0]).toMatchObject({
      path: ['verification', 'files'],
      message: expect.stringContaining('would replace it'),
    });
  });

  test.each<[string, string | undefined, object]>([
    ['another name', 'python', { files: { 'test_answer.py': 'x' } }],
    ['another answerFile', 'python', { answerFile: 'a.py', files: { 'answer.py': 'x' } }],
    ['a file to edit', 'python', { edits: ['answer.py'], files: { 'answer.py': 'x' } }],
    ['a repository', 'python', { repository, files: { 'answer.py': 'x' } }],
  ])('%s: accepted', (_name, language, verification) =>
    expect(parseTask(language, verification).success).toBe(true),
  );
});
