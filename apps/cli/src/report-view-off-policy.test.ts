import type { OffPolicyReport, OutcomeView } from '@acrouter/contracts/http-off-policy';
import { expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { offPolicyMarkdown, offPolicyView } from './report-view-off-policy';

const outcome = (mean: number, more: Partial<OutcomeView> = {}): OutcomeView => ({
  actual: { mean, low: mean, high: mean },
  ips: { mean, low: mean / 2, high: mean * 2 },
  snips: { mean, low: mean / 2, high: mean * 2 },
  doublyRobust: { mean, low: mean / 2, high: mean * 2 },
  difference: { mean: 0, low: 0, high: 0 },
  samples: 1_234,
  effectiveSamples: 45.6,
  unsupported: 0,
  unknown: 0,
  ...more,
});

const report: OffPolicyReport = {
  against: 'strongest',
  scope: { run: null, since: null, until: null, dimension: null },
  decisions: 1_300,
  agreement: 0.3,
  supportShare: 0.98,
  outcomes: {
    firstScore: outcome(0.41, { unsupported: 26, unknown: 40 }),
    firstCostUsd: outcome(0.0123, { ips: { mean: 0.01, low: null, high: null }, unknown: 7 }),
    taskScore: outcome(0.5),
    taskCostUsd: outcome(0, { samples: 0, effectiveSamples: 0 }),
  },
  conclusion: 'Nothing can be concluded about strongest | or so.',
};

test('fits a terminal, names what was left out, and shows no interval where none holds', () => {
  const text = stripVTControlCharacters(offPolicyView(report));
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).toContain('26 tasks where its choice could not have been drawn');
  expect(text).toContain('7 first attempts of unknown cost');
  expect(text).toMatch(/doubly robust +0\.41 {2}0\.20 to 0\.82/);
  expect(text).toMatch(/IPS +\$0\.01000 {2}–/);
  expect(text).toMatch(/cost of the task +nothing to estimate from/);
});

test('Markdown has one row per outcome and a conclusion', () => {
  const lines = offPolicyMarkdown(report).split('\n');
  expect(lines.filter((line) => line.startsWith('| '))).toHaveLength(5);
  expect(lines.at(-1)).toBe('**Nothing can be concluded about strongest | or so.**');
});
