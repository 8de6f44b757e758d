/**
 * Two-sided CUSUM over standardised residuals: notices that a model has become worse (or better) than
 * believed. `ALLOWANCE` is half of the shift to be found, in standard deviations; `THRESHOLD` trades false
 * alarms for delay: beliefs that are off by a little for long must not trip it. source: Page, Biometrika 1954.
 */
const ALLOWANCE = 0.3;
const THRESHOLD = 18;

/** Running state of one watched mean. */
export interface DriftWatch {
  down: number;
  up: number;
  /** Observations and their sum since `down` (or `up`) last was 0: what the world looks like since the change. */
  downCount: number;
  downSum: number;
  upCount: number;
  upSum: number;
}

/** A watch that has seen nothing. */
export const newWatch = (): DriftWatch => ({
  down: 0,
  up: 0,
  downCount: 0,
  downSum: 0,
  upCount: 0,
  upSum: 0,
});

/**
 * Feeds one score to the watch. Returns the observations since the change when one is detected (and starts
 * over), else `null`. `deviation` is the standard deviation of one score, > 0.
 */
export function watch(
  state: DriftWatch,
  score: number,
  believed: number,
  deviation: number,
): { count: number; sum: number } | null {
  const residual = (score - believed) / Math.max(deviation, 0.05);
  state.down = Math.max(0, state.down - residual - ALLOWANCE);
  state.up = Math.max(0, state.up + residual - ALLOWANCE);
  state.downCount = state.down > 0 ? state.downCount + 1 : 0;
  state.downSum = state.down > 0 ? state.downSum + score : 0;
  state.upCount = state.up > 0 ? state.upCount + 1 : 0;
  state.upSum = state.up > 0 ? state.upSum + score : 0;
  if (state.down <= THRESHOLD && state.up <= THRESHOLD) return null;
  const since =
    state.down > THRESHOLD
      ? { count: state.downCount, sum: state.downSum }
      : { count: state.upCount, sum: state.upSum };
  Object.assign(state, newWatch());
  return since;
}
