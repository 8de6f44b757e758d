import type { Dimension } from '../task';
import { speaks, type Finding, type Signal, type SignalKind } from './signals';

/** w_{d,k}: one weight per signal, summing to 1. */
export type SignalWeights = Record<SignalKind, number>;

/**
 * Defaults. Executed tests outweigh everything else together, so that a score above 0.5 means that they passed;
 * the paper names the tiers but prints no numbers for them (source: arXiv 2606.22902, App. A).
 */
const EXECUTED: SignalWeights = {
  tests: 0.7,
  'prompt-tests': 0.15,
  syntax: 0.05,
  rules: 0.04,
  consistency: 0.03,
  judge: 0.03,
};

/** Where answers are prose or tests themselves, opinion counts for more. */
const OPINION: SignalWeights = {
  tests: 0.6,
  'prompt-tests': 0.12,
  syntax: 0.05,
  rules: 0.05,
  consistency: 0.06,
  judge: 0.12,
};

export const DEFAULT_WEIGHTS: Record<Dimension, SignalWeights> = {
  code_generation: EXECUTED,
  algorithm: EXECUTED,
  bug_fixing: EXECUTED,
  code_completion: EXECUTED,
  code_refactoring: EXECUTED,
  data_science: EXECUTED,
  multi_language: EXECUTED,
  code_understanding: OPINION,
  test_generation: OPINION,
};

/** How much each kind of evidence, alone, tells about being right; confidence is the best of those that speak. */
const RELIABILITY: SignalWeights = {
  tests: 0.99,
  'prompt-tests': 0.8,
  consistency: 0.6,
  judge: 0.5,
  syntax: 0.2,
  rules: 0.1,
};

/** The verdict on one answer, without how it was reached. */
export interface Scored {
  /** Whether the answer counts as right: by the given tests where they ran, else by those of the prompt. */
  passed: boolean;
  /** u in [0, 1]; 0 when nothing spoke. */
  score: number;
  /** How sure the score is, in [0, 1]: the reliability of the best evidence. */
  confidence: number;
  /** False when nothing that spoke could tell right from wrong: the answer stays unverified. */
  conclusive: boolean;
  signals: Signal[];
}

/**
 * u = Σ w·s over the signals that speak, their weights scaled to sum to 1. Syntax and rules can condemn an
 * answer but never make it pass; an answer that failed its tests scores below 0.5 whatever else spoke for it.
 */
export function scoreOf(findings: readonly Finding[], weights: SignalWeights): Scored {
  const speaking = findings.filter(speaks);
  const total = speaking.reduce((sum, f) => sum + weights[f.kind], 0);
  const signals = findings.map((f) => ({
    ...f,
    weight: speaks(f) && total > 0 ? weights[f.kind] / total : 0,
  }));
  const find = (kind: SignalKind) => speaking.find((f) => f.kind === kind);
  const judge = find('tests') ?? find('prompt-tests');
  const condemned = !judge && (find('syntax')?.status === 'failed' || find('rules')?.status === 'failed');
  const unheard = findings.some((f) => f.kind === 'tests' && !speaks(f) && f.evidence['given'] === true);
  const passed = !unheard && judge?.status === 'passed';
  // Rounded, so that weights that sum to 1 in arithmetic do so in floating point.
  const sum = Math.round(signals.reduce((u, s) => u + s.weight * (s.score ?? 0), 0) * 1e9) / 1e9;
  return {
    passed,
    score: passed ? sum : Math.min(sum, judge || condemned ? 0.49 : 1),
    confidence: Math.max(0, ...speaking.map((f) => RELIABILITY[f.kind])),
    conclusive: condemned || (judge !== undefined && !unheard),
    signals,
  };
}

/** Checks configured weights: each in [0, 1], summing to 1 (± 0.001). Returns what is wrong, or `null`. */
export function weightsProblem(weights: SignalWeights): string | null {
  const values = Object.values(weights);
  if (values.some((w) => !(w >= 0 && w <= 1))) return 'each weight must lie between 0 and 1';
  const sum = values.reduce((a, b) => a + b, 0);
  return Math.abs(sum - 1) <= 0.001 ? null : `the weights sum to ${sum.toFixed(3)}, not to 1`;
}
