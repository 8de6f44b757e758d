import { describe, expect, test } from '@jest/globals';
import type { TestCase } from '@acrouter/domain/verification/test-report';
import { skipsOf, withoutUnaskedSkips } from './skips';

const skipped = (name: string): TestCase => ({
  name,
  group: 'test_x',
  file: null,
  status: 'skipped',
  message: null,
});
const statuses = (text: string, ...names: string[]) =>
  withoutUnaskedSkips(names.map(skipped), [text], new Set(['test_planted'])).map((t) => t.status);

describe('a skip is the answer’s, unless the files of the task say it', () => {
  test.each([
    ['by nothing', 'def test_a():\n    assert f(1)\n', 'failed'],
    ['by a name alone', 'def test_skip():\n    assert skips(1)\n', 'failed'],
    ['by another test', 'def test_a():\n    pass\n\n@pytest.mark.skip\ndef test_b():\n    pass\n', 'failed'],
    ['in another test', 'def test_b():\n    pytest.skip("x")\ndef test_a():\n    pass\n', 'failed'],
    ['by a mark', '@pytest.mark.skip\ndef test_a():\n    pass\n', 'skipped'],
    [
      'by a mark of several lines',
      'X = 1\n@pytest.mark.xfail(\n    reason="x",\n)\n@other\ndef test_a():\n    pass\n',
      'skipped',
    ],
    ['in itself', 'class T(TestCase):\n    def test_a(self):\n        self.skipTest("x")\n', 'skipped'],
    ['by its class', '@unittest.skipIf(True, "x")\nclass T:\n    def test_a(self): pass\n', 'skipped'],
    ['by a fixture', '@fixture\ndef db():\n    pytest.skip("x")\ndef test_a(db):\n    pass\n', 'skipped'],
  ])('%s', (_by, text, status) => {
    const names = text.includes('test_skip') ? ['test_skip'] : ['test_a', 'test_a[1-2]'];
    expect(new Set(statuses(text, ...names))).toEqual(new Set([status]));
  });

  test('what became of planted tests stays to be read', () => {
    expect(statuses('def test_a():\n    pass\n', 'test_planted')).toEqual(['skipped']);
  });
});

describe('the summary of a command', () => {
  const plain = ['def test_a(): pass'];
  const asking = ['@pytest.mark.skip\ndef test_a(): pass'];
  test.each([
    ['..\n2 passed in 0.01s\n', '', plain, null],
    ['s.\n1 passed, 1 skipped in 0.01s\n', '', plain, 'unasked'],
    ['s.\n1 passed, 1 skipped in 0.01s\n', '', asking, null],
    ['ss\n2 skipped in 0.01s\n', '', asking, 'nothing-ran'],
    ['no tests ran in 0.01s\n', '', plain, 'nothing-ran'],
    ['', '----\nRan 2 tests in 0.001s\n\nOK\n', plain, null],
    ['', '----\nRan 2 tests in 0.001s\n\nOK (skipped=1)\n', plain, 'unasked'],
    ['', '----\nRan 2 tests in 0.001s\n\nOK (skipped=1, expected failures=1)\n', asking, 'nothing-ran'],
    ['all is well\n', '', plain, null],
  ])('%j %j', (stdout, stderr, texts, skips) => {
    expect(skipsOf({ stdout, stderr }, texts)).toBe(skips);
  });
});
