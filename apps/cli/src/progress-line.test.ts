import { expect, test } from '@jest/globals';
import { progressText } from './progress-line';

test('the time left is what the collector estimates, and none where it cannot tell', () => {
  const straggler = {
    ...{ settled: 7, total: 8, solved: 7, costUsd: 0.01, unknownCalls: 0, attempts: 8 },
    simulated: false,
  };
  expect(progressText({ ...straggler, leftMs: null }, 56_400)).not.toContain('left');
  expect(progressText({ ...straggler, leftMs: 8_100 }, 56_400)).toContain('56.4 s, about 8.1 s left');
});
