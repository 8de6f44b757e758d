import type { SignalKind } from './signals';

/**
 * How far a signal can be trusted, learnt from answers of which both are known: what the signal said (in [0, 1]),
 * and the truth that given tests showed. Pure arithmetic on counts; libs/db keeps the pairs.
 */

/** Signals whose worth is learnt from given tests. */
export const LEARNT_SIGNALS: readonly SignalKind[] = ['prompt-tests', 'consistency', 'judge'];

/** Pairs with about the same `said`. */
export interface PairCount {
  /** What the signal said, in [0, 1]; counted in steps of a tenth. */
  said: number;
  right: number;
  wrong: number;
}

/** What was learnt about one signal. */
export interface SignalTrust {
  /** Pairs behind it. */
  pairs: number;
  /** Mean of what was said less the share that was right; positive = too kind. Shrunk to 0 with few pairs. */
  bias: number;
  /**
   * P(a right answer is rated above a wrong one) − P(below), in [−1, 1] (Somers' D = 2·AUC − 1): 0 for a signal no
   * better than chance. `null` while only right or only wrong answers were seen.
   */
  discrimination: number | null;
  /** `discrimination` shrunk to what is believed without pairs, in [0, 1]. */
  reliability: number;
  /** Part of its configured weight that the signal keeps, in [0, 1]. */
  weightFactor: number;
  /** Chance of being right when the signal says 0, 0.1, … 1: 11 values, never falling. */
  curve: number[];
}

const STEPS = 10;
/** Pairs that the belief without pairs counts for, per parameter. */
const PRIOR_PAIRS = 10;
/** Pairs that each point of the curve counts for before any were seen. */
const PRIOR_PAIRS_PER_STEP = 4;

/**
 * Trust in a signal in one dimension. `own`: its pairs there; `others`: its pairs in the other dimensions, which
 * stand in where `own` is thin; `believed`: reliability without any pair, in (0, 1].
 *
 * The weight follows the square of the reliability, since near chance that is how information falls: a signal that
 * is worth half of what was believed keeps a quarter of its weight, and never gets more than it was given.
 */
export function trustOf(
  own: readonly PairCount[],
  others: readonly PairCount[],
  believed: number,
): SignalTrust {
  const [mine, rest] = [histogram(own), histogram(others)];
  const parent = shrunk(discriminationOf(rest), believed);
  const discrimination = discriminationOf(mine);
  const reliability = Math.min(1, Math.max(0, shrunk(discrimination, parent)));
  const pairs = mine.reduce((sum, s) => sum + s.right + s.wrong, 0);
  return {
    pairs,
    bias: biasOf(mine, pairs),
    discrimination: discrimination?.value ?? null,
    reliability,
    weightFactor: Math.min(1, (reliability / believed) ** 2),
    curve: curveOf(
      mine,
      curveOf(
        rest,
        mine.map((_, step) => step / STEPS),
      ),
    ),
  };
}

/** What a signal's word is worth: the chance of being right, read off its curve. In [0, 1], rises with `said`. */
export function calibrated(curve: readonly number[], said: number): number {
  const at = Math.min(1, Math.max(0, said)) * STEPS;
  const low = Math.min(STEPS - 1, Math.floor(at));
  const [from = 0, to = 1] = [curve[low], curve[low + 1]];
  return from + (to - from) * (at - low);
}

interface Step {
  right: number;
  wrong: number;
}

function histogram(pairs: readonly PairCount[]): Step[] {
  const steps: Step[] = Array.from({ length: STEPS + 1 }, () => ({ right: 0, wrong: 0 }));
  for (const { said, right, wrong } of pairs) {
    const step = steps[Math.round(Math.min(1, Math.max(0, said)) * STEPS)];
    if (!step) continue;
    step.right += right;
    step.wrong += wrong;
  }
  return steps;
}

/** Somers' D with the number of pairs that it is worth: 4·n₁·n₀ / (n₁ + n₀), all of them when half were right. */
function discriminationOf(steps: readonly Step[]): { value: number; worth: number } | null {
  const right = steps.reduce((sum, s) => sum + s.right, 0);
  const wrong = steps.reduce((sum, s) => sum + s.wrong, 0);
  if (right === 0 || wrong === 0) return null;
  let [wrongBelow, balance] = [0, 0];
  for (const step of steps) {
    balance += step.right * (wrongBelow - (wrong - wrongBelow - step.wrong));
    wrongBelow += step.wrong;
  }
  return { value: balance / (right * wrong), worth: (4 * right * wrong) / (right + wrong) };
}

function shrunk(found: { value: number; worth: number } | null, believed: number): number {
  if (!found) return believed;
  return (found.value * found.worth + believed * PRIOR_PAIRS) / (found.worth + PRIOR_PAIRS);
}

function biasOf(steps: readonly Step[], pairs: number): number {
  const excess = steps.reduce((sum, s, i) => sum + (s.right + s.wrong) * (i / STEPS) - s.right, 0);
  return excess / (pairs + PRIOR_PAIRS);
}

/** Posterior mean per step around `believed`, made monotone by pooling adjacent violators (isotonic regression). */
function curveOf(steps: readonly Step[], believed: readonly number[]): number[] {
  const blocks: { value: number; weight: number; length: number }[] = [];
  steps.forEach(({ right, wrong }, i) => {
    const weight = right + wrong + PRIOR_PAIRS_PER_STEP;
    let block = { value: (right + PRIOR_PAIRS_PER_STEP * (believed[i] ?? 0)) / weight, weight, length: 1 };
    for (let last = blocks.at(-1); last && last.value >= block.value; last = blocks.at(-1)) {
      const joint = last.weight + block.weight;
      const value = (last.value * last.weight + block.value * block.weight) / joint;
      block = { value, weight: joint, length: last.length + block.length };
      blocks.pop();
    }
    blocks.push(block);
  });
  return blocks.flatMap((b) => Array.from({ length: b.length }, () => Math.min(1, Math.max(0, b.value))));
}

/** Counted pairs of one signal in one dimension. `source`: the judge's model, '' for signals that nobody speaks. */
export interface PairRow extends PairCount {
  kind: SignalKind;
  source: string;
  dimension: string;
}

/** What was learnt about one signal: in one dimension, or over all (`dimension: null`). */
export interface CalibrationLine extends SignalTrust {
  kind: SignalKind;
  source: string;
  dimension: string | null;
}

/** One line per signal and source over all dimensions, followed by one per dimension that has pairs. */
export function calibrationTable(
  rows: readonly PairRow[],
  believed: Record<SignalKind, number>,
): CalibrationLine[] {
  const signals = new Map(rows.map(({ kind, source }) => [`${kind} ${source}`, { kind, source }]));
  return [...signals.values()].flatMap(({ kind, source }) => {
    const own = rows.filter((r) => r.kind === kind && r.source === source);
    const dimensions = [...new Set(own.map((r) => r.dimension))].sort();
    return [null, ...dimensions].map((dimension) => ({
      kind,
      source,
      dimension,
      ...trustIn(own, dimension, believed[kind]),
    }));
  });
}

/** Trust in a signal whose pairs are `own`, in one dimension or over all of them (`null`). */
export function trustIn(own: readonly PairRow[], dimension: string | null, believed: number): SignalTrust {
  if (dimension === null) return trustOf(own, [], believed);
  const here = (r: PairRow) => r.dimension === dimension;
  return trustOf(
    own.filter(here),
    own.filter((r) => !here(r)),
    believed,
  );
}
