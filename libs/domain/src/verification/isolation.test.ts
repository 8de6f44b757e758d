import { describe, expect, test } from '@jest/globals';
import { canStandAlone, wordsOf, type CommandCheck } from './isolation';

const python: CommandCheck = {
  language: 'python',
  command: 'python3 test_it.py',
  files: { 'test_it.py': 'from answer import f\nassert f(1) == 2' },
  answerFile: 'answer.py',
  answer: 'def f(x): return 2 * x',
};
const script: CommandCheck = {
  language: 'javascript',
  command: 'node test.js',
  files: { 'test.js': "const { f } = require('./answer.js');\nif (f(1) !== 2) throw 1;" },
  answerFile: 'answer.js',
  answer: 'exports.f = (x) => 2 * x;',
};

describe('canStandAlone', () => {
  test.each<[string, CommandCheck, boolean]>([
    ['a module that tests import', python, true],
    ['a module that tests require', script, true],
    ['import in ES modules', { ...script, files: { 't.mjs': "import { f } from './answer.js';" } }, true],
    [
      'a module in a folder',
      { ...python, answerFile: 'src/answer.py', files: { 't.py': 'import src.answer as a' } },
      true,
    ],
    ['a file that nothing imports', { ...python, files: { 'x.txt': 'answer' } }, false],
    [
      'an answer that needs a file of the task',
      { ...python, files: { ...python.files, 'lib.py': '' }, answer: 'from lib import g' },
      false,
    ],
    [
      'an answer that needs a data file as a module',
      {
        ...script,
        files: { ...script.files, 'data.json': '{}' },
        answer: "const d = require('./data.json');",
      },
      false,
    ],
    [
      'a file that is read as a text',
      { ...python, files: { 't.py': 'import answer\nopen("answer.py")' } },
      false,
    ],
    [
      'a file that is copied',
      { ...script, files: { 't.js': "require('./answer.js'); fs.copyFileSync('answer.js', 'x')" } },
      false,
    ],
    ['another language', { ...python, language: 'go' }, false],
  ])('%s', (_name, check, expected) => {
    expect(canStandAlone(check)).toBe(expected);
  });
});

test('wordsOf collects identifiers once', () => {
  expect(wordsOf(['from answer import Stack', 'Stack().push(1)'])).toEqual([
    'from',
    'answer',
    'import',
    'Stack',
    'push',
  ]);
});
