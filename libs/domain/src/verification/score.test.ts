import { describe, expect, test } from '@jest/globals';
import { DIMENSIONS } from '../task';
import { DEFAULT_WEIGHTS, scoreOf, weightsProblem } from './score';
import { trustOf } from './calibration';
import { silent, type Finding, type SignalKind, type SignalStatus } from './signals';

const weights = DEFAULT_WEIGHTS.code_generation;
const scoring = { weights };
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
      scoring,
    );
    expect(signals.map((s) => s.weight.toFixed(9))).toEqual(['0.875000000', '0.125000000', '0.000000000']);
    expect(score).toBeCloseTo((0.7 + 0.05) / 0.8, 8);
    expect(passed).toBe(true);
  });

  test('a pass that needed a second run counts, with less certainty', () => {
    const passed = finding('tests', 'passed', 1, true);
    const flaky = { ...passed, evidence: { given: true, flaky: true } };
    const [sure, unsure] = [scoreOf([passed], scoring), scoreOf([flaky], scoring)];
    expect(unsure).toMatchObject({ passed: true, score: 1, conclusive: true });
    expect(unsure.confidence).toBeCloseTo(sure.confidence * 0.7, 9);
  });

  test('given tests decide, whatever else says', () => {
    const wrong = scoreOf(
      [
        finding('tests', 'failed', 0.9, true),
        finding('prompt-tests', 'passed', 1),
        finding('syntax', 'passed', 1),
      ],
      scoring,
    );
    expect(wrong).toMatchObject({ passed: false, conclusive: true, score: 0.49 });
  });

  test('examples decide where no tests were given, not where these could not run', () => {
    const examples = finding('prompt-tests', 'passed', 1);
    expect(scoreOf([examples], scoring)).toMatchObject({ passed: true, conclusive: true, confidence: 0.8 });
    const refused = { ...silent('tests', 'refused', 'no sandbox'), evidence: { given: true } };
    expect(scoreOf([refused, examples], scoring)).toMatchObject({ passed: false, conclusive: false });
  });

  test('syntax and rules condemn, and never solve', () => {
    expect(scoreOf([finding('syntax', 'passed', 1), finding('rules', 'passed', 1)], scoring)).toMatchObject({
      passed: false,
      conclusive: false,
      confidence: 0.2,
    });
    expect(scoreOf([finding('syntax', 'failed', 0), finding('rules', 'passed', 1)], scoring)).toMatchObject({
      passed: false,
      conclusive: true,
    });
  });

  test('nothing known is a score of 0 without any confidence', () => {
    expect(scoreOf([], scoring)).toEqual({
      passed: false,
      score: 0,
      confidence: 0,
      conclusive: false,
      signals: [],
    });
  });
});

describe('opinions', () => {
  const [syntax, rules] = [finding('syntax', 'passed', 1), finding('rules', 'passed', 1)];
  const judge = (score: number) => finding('judge', score >= 0.5 ? 'passed' : 'failed', score);
  const agreement = (score: number, answers: number): Finding => ({
    ...finding('consistency', 'passed', score),
    evidence: { answers },
  });

  test('a judge settles what nothing can run, at the threshold', () => {
    expect(scoreOf([syntax, rules, judge(0.9)], scoring)).toMatchObject({
      passed: true,
      conclusive: true,
      confidence: 0.5,
    });
    const poor = scoreOf([syntax, rules, judge(0.6)], scoring);
    expect(poor).toMatchObject({ passed: false, conclusive: true });
    expect(poor.score).toBeLessThan(0.5);
    expect(scoreOf([judge(0.6)], { weights, passOpinion: 0.6 }).passed).toBe(true);
  });

  test('an opinion of exactly the threshold passes, whatever its weight', () => {
    for (const dimension of DIMENSIONS)
      for (const least of [0.55, 0.6, 0.7, 0.8, 0.9]) {
        const at = { weights: DEFAULT_WEIGHTS[dimension], passOpinion: least };
        expect(scoreOf([syntax, judge(least)], at).passed).toBe(true);
        expect(scoreOf([syntax, judge(least - 1e-6)], at).passed).toBe(false);
      }
  });

  test('never against executed tests, a broken program, or tests that could not run', () => {
    expect(scoreOf([finding('tests', 'failed', 0, true), judge(1)], scoring).passed).toBe(false);
    expect(scoreOf([finding('tests', 'passed', 1, true), judge(0)], scoring).passed).toBe(true);
    expect(scoreOf([finding('syntax', 'failed', 0), judge(1)], scoring).passed).toBe(false);
    const refused = { ...silent('tests', 'refused', 'no sandbox'), evidence: { given: true } };
    expect(scoreOf([refused, judge(1)], scoring)).toMatchObject({ passed: false, conclusive: false });
  });

  test('agreement decides from three answers on', () => {
    expect(scoreOf([agreement(1, 2), syntax], scoring)).toMatchObject({ passed: false, conclusive: false });
    expect(scoreOf([agreement(1, 3), syntax], scoring)).toMatchObject({ passed: true, conclusive: true });
  });

  test('what was learnt corrects the word, the weight and the confidence', () => {
    const kind = trustOf([{ said: 1, right: 60, wrong: 140 }], [], 0.5);
    const always = scoreOf([syntax, judge(1)], { weights, trusts: { judge: kind } });
    expect(always).toMatchObject({ passed: false, conclusive: false, confidence: 0.2 });
    expect(always.signals[1]?.weight).toBeLessThan(0.05);
    expect(always.signals[1]?.evidence).toMatchObject({ said: 1 });
    expect(always.signals[1]?.score).toBeCloseTo(0.3, 1);
    const good = trustOf(
      [
        { said: 0.9, right: 100, wrong: 0 },
        { said: 0.2, right: 0, wrong: 100 },
      ],
      [],
      0.5,
    );
    const kept = scoreOf([syntax, judge(0.9)], { weights, trusts: { judge: good } });
    expect(kept).toMatchObject({ passed: true, conclusive: true });
    expect(kept.confidence).toBeGreaterThan(0.9);
    expect(kept.signals[1]?.weight).toBeCloseTo(weights.judge / (weights.judge + weights.syntax), 9);
  });
});

test('default weights are sound, and a bad set is named', () => {
  expect(DIMENSIONS.map((d) => weightsProblem(DEFAULT_WEIGHTS[d]))).toEqual(DIMENSIONS.map(() => null));
  expect(weightsProblem({ ...weights, tests: 0.8 })).toContain('1.100');
  expect(weightsProblem({ ...weights, tests: -0.1 })).toContain('between 0 and 1');
});
