import { expect, test } from '@jest/globals';
import type { Report } from '@acrouter/contracts/http-report';
import { stripVTControlCharacters } from 'node:util';
import { reportView } from './report-view';

const percentiles = { n: 10, p50: 1.2, p95: 345, p99: 12_345 };
const report: Report = {
  scope: { run: 'run-1', since: null, until: null, dimension: null },
  generatedAt: '2026-01-01T00:00:00Z',
  simulated: 'all',
  unsafeChecks: 2,
  tasks: {
    total: 12,
    settled: 10,
    solved: 9,
    solvedShare: 0.9,
    outcomes: { solved: 9, unsolved: 1 },
    averageScore: 0.95,
    attemptsPerTask: 1.3,
  },
  cost: {
    knownUsd: 0.0123,
    calls: 15,
    unknownCalls: 3,
    inputTokens: 12_000,
    cachedInputTokens: 0,
    outputTokens: 3_000,
    reasoningTokens: 0,
    verification: { knownUsd: 0.0023, calls: 2, unknownCalls: 0 },
  },
  models: [
    {
      model: 'a/very-long-model-name-that-does-not-fit-at-all\x1b[31m',
      simulated: true,
      attempts: 13,
      share: 1,
      judged: 12,
      passed: 9,
      successRate: 0.75,
      averageScore: 0.8,
      outages: 1,
      explored: 0,
      calls: 15,
      costUsd: null,
      unknownCalls: 3,
      inputTokens: 12_000,
      outputTokens: 3_000,
    },
  ],
  dimensions: [{ dimension: 'bug_fixing', tasks: 12, settled: 10, solved: 9, averageScore: null }],
  escalations: 3,
  exploredShare: 0.1,
  strongest: {
    model: 'big',
    tasksCompared: 9,
    tasksLeftOut: 1,
    actualCostUsd: 0.01,
    costUsd: 0.1,
    costInterval: [0.08, 0.12],
    savingUsd: 0.09,
    savingUsdInterval: [0.07, 0.11],
    savingPercent: 90,
    savingPercentInterval: [85, 93],
    costBasis: { observed: 3, ownOutput: 3, triedOutput: 3 },
    actualScore: 0.95,
    score: 0.9,
    scoreInterval: [0.8, 0.97],
    scoreBasis: { observed: 3, dimensionMean: 3, prior: 3, unknown: 0 },
    method: 'A long sentence about how these figures came about, which has to be broken into several lines.',
  },
  regret: { total: 1, perTask: 0.1, perTaskInterval: [0.05, 0.15], tasks: 10, method: '' },
  calibration: [
    {
      signal: 'judge',
      source: 'big',
      dimension: null,
      pairs: 120,
      bias: 0.21,
      discrimination: 0.1,
      reliability: 0.12,
      weightFactor: 0.06,
    },
  ],
  latencyMs: {
    queueWait: percentiles,
    recall: percentiles,
    decide: percentiles,
    execute: percentiles,
    verify: percentiles,
    commit: percentiles,
    endToEnd: percentiles,
    overhead: percentiles,
    loopWork: null,
  },
  estimatedFromTasks: 10,
};
const lines = stripVTControlCharacters(reportView(report)).split('\n');

test('no line is wider than a terminal of 80 columns', () => {
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test('what must not be missed is said: simulated, unsafe, unknown cost, unfinished', () => {
  const text = lines.join('\n');
  for (const said of [
    'SIMULATED POOL',
    'WITHOUT a sandbox',
    'and 3 calls whose cost',
    '2 not finished',
    'unknown',
  ])
    expect(text).toContain(said);
});

test('the estimate comes with its interval', () => {
  expect(lines.find((line) => line.includes('saved'))).toMatch(/90 %\s+95 %: 85 % to 93 %/);
});

test('an empty report is a report', () => {
  const empty: Report = {
    ...report,
    simulated: 'none',
    models: [],
    dimensions: [],
    strongest: null,
    regret: null,
    exploredShare: null,
    tasks: {
      total: 0,
      settled: 0,
      solved: 0,
      solvedShare: null,
      outcomes: {},
      averageScore: null,
      attemptsPerTask: null,
    },
    cost: { ...report.cost, knownUsd: 0, calls: 0, unknownCalls: 0 },
  };
  expect(reportView(empty)).toContain('0 of 0');
});
