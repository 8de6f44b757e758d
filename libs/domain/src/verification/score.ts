import type { Dimension } from '../task';
import { calibrated, type SignalTrust } from './calibration';
import { speaks, type Finding, type Signal, type SignalKind } from './signals';

/** w_{d,k}: one weight per signal, summing to 1. */
export type SignalWeights = Record<SignalKind, number>;

/**
 * Defaults. Executed tests outweigh everything else together, so that a score above 0.5 means that they passed;
 * where nothing can run, opinions outweigh syntax and rules, which say little about being right. The paper names
 * the tiers but prints no numbers for them (source: arXiv 2606.22902, App. A).
 */
const EXECUTED: SignalWeights = {
  tests: 0.7,
  'prompt-tests': 0.1,
  syntax: 0.02,
  rules: 0.02,
  consistency: 0.06,
  judge: 0.1,
};

/** Where answers are prose or tests themselves, opinion counts for more. */
const OPINION: SignalWeights = {
  tests: 0.55,
  'prompt-tests': 0.1,
  syntax: 0.03,
  rules: 0.03,
  consistency: 0.09,
  judge: 0.2,
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

/**
 * How much each kind of evidence, alone, tells about being right, in [0, 1], before anything was learnt about it
 * (calibration.ts); a score's confidence is the best of those that speak.
 */
export const BELIEVED_RELIABILITY: SignalWeights = {
  tests: 0.99,
  'prompt-tests': 0.8,
  consistency: 0.6,
  judge: 0.5,
  syntax: 0.2,
  rules: 0.1,
};

/** What was learnt about signals; absent ones are as believed. See `SignalTrust`. */
export type Trusts = Partial<Record<SignalKind, Pick<SignalTrust, 'reliability' | 'weightFactor' | 'curve'>>>;

/** How findings are weighed. */
export interface Scoring {
  weights: SignalWeights;
  trusts?: Trusts;
  /** Least opinion, in [0, 1], with which an answer passes that nothing could run. Default 0.7. */
  passOpinion?: number;
}

const PASS_OPINION = 0.7;
/** Signals that are opinions: their words are corrected by what was learnt, and may decide where nothing can run. */
const OPINIONS: readonly SignalKind[] = ['judge', 'consistency'];
/** An opinion less reliable than this decides nothing. */
const LEAST_RELIABILITY = 0.2;
/** Answers that must have run on the same inputs, this one included, before their agreement decides anything. */
const DECIDING_ANSWERS = 3;

/** The verdict on one answer, without how it was reached. */
export interface Scored {
  /** Whether the answer counts as right: by the given tests where they ran, else by those of the prompt, else by opinion. */
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
 * answer but never make it pass; one that failed its tests, or an opinion where nothing ran, scores below 0.5
 * whatever else spoke for it.
 */
export function scoreOf(raw: readonly Finding[], scoring: Scoring): Scored {
  const { trusts = {}, passOpinion = PASS_OPINION } = scoring;
  const findings = raw.map((f) => corrected(f, trusts));
  const speaking = findings.filter(speaks);
  const weightOf = (f: Finding) =>
    speaks(f) ? scoring.weights[f.kind] * (trusts[f.kind]?.weightFactor ?? 1) : 0;
  const total = speaking.reduce((sum, f) => sum + weightOf(f), 0);
  const signals = findings.map((f) => ({ ...f, weight: total > 0 ? weightOf(f) / total : 0 }));
  const find = (kind: SignalKind) => speaking.find((f) => f.kind === kind);
  const tested = find('tests') ?? find('prompt-tests');
  const condemned = !tested && (find('syntax')?.status === 'failed' || find('rules')?.status === 'failed');
  const unheard = findings.some((f) => f.kind === 'tests' && !speaks(f) && f.evidence['given'] === true);
  const opinion = tested || condemned || unheard ? null : opinionOf(speaking, weightOf, trusts);
  const passed = !unheard && (tested ? tested.status === 'passed' : (opinion ?? -1) >= passOpinion);
  const sum = rounded(signals.reduce((u, s) => u + s.weight * (s.score ?? 0), 0));
  return {
    passed,
    score: passed ? sum : Math.min(sum, tested || condemned || opinion !== null ? 0.49 : 1),
    confidence: Math.max(0, ...speaking.map((f) => reliabilityOf(f.kind, trusts) * certaintyOf(f))),
    conclusive: condemned || opinion !== null || (tested !== undefined && !unheard),
    signals,
  };
}

/** To 1e-9, so that weights that sum to 1 in arithmetic do so in floating point: 0.1 * 0.7 / 0.1 is below 0.7. */
const rounded = (value: number): number => Math.round(value * 1e9) / 1e9;

/** A pass that needed a second run (verification/repeat.ts) may have been luck. */
const FLAKY_CERTAINTY = 0.7;
const certaintyOf = (f: Finding): number => (f.evidence['flaky'] === true ? FLAKY_CERTAINTY : 1);

const reliabilityOf = (kind: SignalKind, trusts: Trusts): number =>
  trusts[kind]?.reliability ?? BELIEVED_RELIABILITY[kind];

/** An opinion's word as the chance of being right that it stood for so far; what it said stays in the evidence. */
function corrected(finding: Finding, trusts: Trusts): Finding {
  const curve = trusts[finding.kind]?.curve;
  if (!curve || finding.score === null || !OPINIONS.includes(finding.kind)) return finding;
  const said = finding.score;
  return { ...finding, score: calibrated(curve, said), evidence: { ...finding.evidence, said } };
}

/** Weighted mean of the opinions that may decide, in [0, 1]; `null` without any. */
function opinionOf(
  speaking: readonly Finding[],
  weightOf: (f: Finding) => number,
  trusts: Trusts,
): number | null {
  const deciding = speaking.filter(
    (f) =>
      OPINIONS.includes(f.kind) &&
      reliabilityOf(f.kind, trusts) >= LEAST_RELIABILITY &&
      (f.kind !== 'consistency' || Number(f.evidence['answers']) >= DECIDING_ANSWERS),
  );
  const total = deciding.reduce((sum, f) => sum + weightOf(f), 0);
  if (total <= 0) return null;
  return rounded(deciding.reduce((sum, f) => sum + weightOf(f) * (f.score ?? 0), 0) / total);
}

/** Checks configured weights: each in [0, 1], summing to 1 (± 0.001). Returns what is wrong, or `null`. */
export function weightsProblem(weights: SignalWeights): string | null {
  const values = Object.values(weights);
  if (values.some((w) => !(w >= 0 && w <= 1))) return 'each weight must lie between 0 and 1';
  const sum = values.reduce((a, b) => a + b, 0);
  return Math.abs(sum - 1) <= 0.001 ? null : `the weights sum to ${sum.toFixed(3)}, not to 1`;
}
