import { expect, test } from '@jest/globals';
import { AcrError } from '@acrouter/domain/errors';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodeOfRun, resultLine } from './commands/submit';
import { EXIT, exitCodeOf } from './exit-codes';

test('docs/cli.md lists every exit code', () => {
  const page = readFileSync(join(__dirname, '../../../docs/cli.md'), 'utf8');
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((row) => Number(row[1]));
  expect(listed).toEqual(Object.values(EXIT));
});

test('whose fault it is decides the exit code', () => {
  expect(exitCodeOf(new AcrError('ACR_INVALID_REQUEST'))).toBe(2);
  expect(exitCodeOf(new AcrError('ACR_GATEWAY_UNREACHABLE'))).toBe(3);
  expect(exitCodeOf(new AcrError('ACR_OVER_BUDGET'))).toBe(4);
  expect(exitCodeOf(new AcrError('ACR_DATABASE_UNAVAILABLE'))).toBe(5);
  expect(exitCodeOf(new TypeError('bug'))).toBe(5);
});

test('the gravest outcome of a run decides', () => {
  const run = (outcomes: Record<string, number>) =>
    exitCodeOfRun({ taskCount: 4, solved: outcomes.solved ?? 0, outcomes });
  expect(run({ solved: 4 })).toBe(EXIT.ok);
  expect(run({ solved: 3, unsolved: 1 })).toBe(EXIT.unsolved);
  expect(run({ solved: 3, unverified: 1 })).toBe(EXIT.unsolved);
  expect(run({ solved: 2, 'over-budget': 1, unsolved: 1 })).toBe(EXIT.overBudget);
  expect(run({ solved: 2, 'over-budget': 1, failed: 1 })).toBe(EXIT.infrastructure);
});

test('a result line begins with the fields that others rely on, in their order', () => {
  const attempt = {
    attempt: 1,
    model: 'm',
    status: 'recorded',
    score: 1,
    passed: true,
    confidence: 1,
    costUsd: null,
    unknownCalls: 1,
    inputTokens: null,
    outputTokens: null,
    latencyMs: 5,
    error: null,
    decidedAt: '2026-01-01T00:00:00Z',
    verifiedAt: null,
  };
  const line = resultLine({
    id: 'ours',
    externalId: 'theirs',
    runId: 'r',
    status: 'settled',
    outcome: 'solved',
    solved: true,
    score: 1,
    model: 'm',
    dimension: null,
    language: null,
    attempts: [attempt],
    costUsd: null,
    unknownCalls: 1,
    simulated: false,
    cancelRequested: false,
    createdAt: '2026-01-01T00:00:00Z',
    settledAt: null,
    durationMs: null,
  });
  expect(JSON.stringify(line)).toMatch(
    /^{"id":"theirs","status":"settled","solved":true,"score":1,"model":"m","attempts":\[{"model":"m","score":1,"costUsd":null,"latencyMs":5}\],"costUsd":null,/,
  );
});
