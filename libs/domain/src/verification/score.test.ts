import { describe, expect, test } from '@jest/globals';
import { DIMENSIONS } from '../task';
import { DEFAULT_WEIGHTS, scoreOf, weightsProblem } from './score';
import { silent, type Finding, type SignalKind, type SignalStatus } from './signals';

const weights = DEFAULT_WEIGHTS.code_generation;
const finding = (kind: SignalKind, status: SignalStatus, score: number, given = false): Finding => ({
  kind,
  status,
  score,
  evidence: { given },
});

describe('scoreOf', () => {
  test('weighs what speaks and leaves out the rest', () => {
    const { score, signals, passed } = scoreOf(
      [
        finding('tests', 'passed', 1, true),
        finding('prompt-tests', 'failed', 0.5),
        silent('judge', 'unavailable', 'no judge'),
      ],
      weights,
    );
    expect(signals.map((s) => s.weight)).toEqual([0.7 / 0.85, 0.15 / 0.85, 0]);
    expect(score).toBeCloseTo((0.7 + 0.075) / 0.85, 8);
    expect(passed).toBe(true);
  });

  test('given tests decide, whatever else says', () => {
    const wrong = scoreOf(
      [
        finding('tests', 'failed', 0.9, true),
        finding('prompt-tests', 'passed', 1),
        finding('syntax', 'passed', 1),
      ],
      weights,
    );
    expect(wrong).toMatchObject({ passed: false, conclusive: true, score: 0.49 });
  });

  test('examples decide where no tests were given, not where these could not run', () => {
    const examples = finding('prompt-tests', 'passed', 1);
    expect(scoreOf([examples], weights)).toMatchObject({ passed: true, conclusive: true, confidence: 0.8 });
    const refused = { ...silent('tests', 'refused', 'no sandbox'), evidence: { given: true } };
    expect(scoreOf([refused, examples], weights)).toMatchObject({ passed: false, conclusive: false });
  });

  test('syntax and rules condemn, and never solve', () => {
    expect(scoreOf([finding('syntax', 'passed', 1), finding('rules', 'passed', 1)], weights)).toMatchObject({
      passed: false,
      conclusive: false,
      confidence: 0.2,
    });
    expect(scoreOf([finding('syntax', 'failed', 0), finding('rules', 'passed', 1)], weights)).toMatchObject({
      passed: false,
      conclusive: true,
    });
  });

  test('nothing known is a score of 0 without any confidence', () => {
    expect(scoreOf([], weights)).toEqual({
      passed: false,
      score: 0,
      confidence: 0,
      conclusive: false,
      signals: [],
    });
  });
});

test('default weights are sound, and a bad set is named', () => {
  expect(DIMENSIONS.map((d) => weightsProblem(DEFAULT_WEIGHTS[d]))).toEqual(DIMENSIONS.map(() => null));
  expect(weightsProblem({ ...weights, tests: 0.8 })).toContain('1.100');
  expect(weightsProblem({ ...weights, tests: -0.1 })).toContain('between 0 and 1');
});
