import { expect, test } from '@jest/globals';
import { fewerTests, testsRun } from './tests-run';

const told = (stdout: string, stderr = '') => testsRun({ stdout, stderr, outputTruncated: false });

test.each([
  ['unittest', '', '----------\nRan 12 tests in 0.004s\n\nOK\n', 12],
  ['node --test', '# tests 7\n# suites 0\n# pass 7\n', '', 7],
  ['node --test on a terminal', 'ℹ tests 7\nℹ pass 7\n', '', 7],
  ['pytest', '\u001b[32m========= \u001b[1m3 passed\u001b[0m, 1 skipped in 0.12s =====', '', 3],
  ['jest', '', 'Test Suites: 2 passed, 2 total\nTests:       9 passed, 9 total\n', 11],
  ['mocha', '  5 passing (12ms)\n', '', 5],
  ['two commands', '# tests 2\n', 'Ran 1 test in 0.001s\n', 3],
  ['a script', 'all is well\n', '', null],
])('%s', (_, stdout, stderr, count) => {
  expect(told(stdout, stderr)).toBe(count);
});

test('output that was cut says nothing', () => {
  expect(testsRun({ stdout: '# tests 2\n', stderr: '', outputTruncated: true })).toBeNull();
});

test('fewer tests than before any change are no success, more are', () => {
  expect(fewerTests(12, null)).toMatch(/no tests instead of 12/);
  expect(fewerTests(12, 11)).toMatch(/11 tests instead of 12/);
  expect(fewerTests(12, 12)).toBeNull();
  expect(fewerTests(12, 13)).toBeNull();
  expect(fewerTests(null, null)).toBeNull();
});
