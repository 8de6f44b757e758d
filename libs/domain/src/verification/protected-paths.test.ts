import { expect, test } from '@jest/globals';
import { isTestFile, pathMatcher, protection } from './protected-paths';

const isProtected = protection();

test.each([
  'tests/test_a.py',
  'pkg/test_a.py',
  'a_test.py',
  'conftest.py',
  'deep/down/conftest.py',
  'CONFTEST.PY',
  'pytest.ini',
  'pyproject.toml',
  'sitecustomize.py',
  'pytest.py',
  '_pytest/runner.py',
  'package.json',
  'jest.config.cjs',
  '.mocharc.yml',
  'src/a.test.tsx',
  'src/__tests__/a.js',
  'a/b_test.go',
  '.gitattributes',
  '.git/hooks/pre-commit',
  'node_modules/jest/index.js',
  'Makefile',
])('%s is protected', (path) => expect(isProtected(path)).toBe(true));

test.each(['src/a.py', 'latest.py', 'contest.py', 'src/testimony.js', 'a.go', 'attest/a.py', 'README.md'])(
  '%s is not',
  (path) => expect(isProtected(path)).toBe(false),
);

test('a task protects more, and allows some', () => {
  const more = protection(['data/*.json', 'LICENSE'], ['**/package.json']);
  expect(['data/a.json', 'LICENSE', 'package.json', 'data/deep/a.json'].map(more)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('what is special elsewhere is literal in a glob', () => {
  const match = pathMatcher(['a+(b).[c]', 'x{1,2}.y', '{', 'a\\b|c']);
  expect(['a+(b).[c]', 'x1.y', 'x3.y', '{', 'a\\b|c', 'aab.c'].map(match)).toEqual([
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
});

test('tests are told by their names', () => {
  expect(['tests/test_a.py', 'a.spec.ts', 'src/a.ts', 'conftest.py'].map(isTestFile)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
