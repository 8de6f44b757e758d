/**
 * What was found out about one answer. Source: arXiv 2606.22902, App. A: the verifier's score is
 * u = Σ_k w_{d,k}·s_k over the tools that fit the task's type d.
 *
 * - `tests`: those given with the task. - `prompt-tests`: examples found in the prompt, run.
 * - `syntax`: the language's own parser or compiler. - `rules`: refusals, placeholders, empty answers.
 * - `consistency`: agreement of several answers on the same inputs. - `judge`: an LLM's opinion.
 */
export const SIGNAL_KINDS = ['tests', 'prompt-tests', 'syntax', 'rules', 'consistency', 'judge'] as const;
export type SignalKind = (typeof SIGNAL_KINDS)[number];

/**
 * - `passed`, `failed`: it ran and decided; `timed-out`, `out-of-memory`, `killed` are failures with a cause.
 * - `unavailable`: nothing to run, or no toolchain: says nothing about the answer.
 * - `refused`: no sandbox, or the run could not be trusted to have happened: says nothing either.
 */
export const SIGNAL_STATUSES = [
  'passed',
  'failed',
  'timed-out',
  'out-of-memory',
  'killed',
  'unavailable',
  'refused',
] as const;
export type SignalStatus = (typeof SIGNAL_STATUSES)[number];

/** One signal with its evidence: plain JSON, small, without the answer's text. */
export interface Signal {
  kind: SignalKind;
  status: SignalStatus;
  /** s_k in [0, 1]; `null` when the signal says nothing. */
  score: number | null;
  /** w_{d,k} as used, after leaving out the signals that say nothing; 0 for those. */
  weight: number;
  evidence: Record<string, unknown>;
}

/** A signal before the weights are known. */
export type Finding = Omit<Signal, 'weight'>;

/** Whether a signal says something about the answer. */
export function speaks(signal: Finding): boolean {
  return signal.score !== null && signal.status !== 'unavailable' && signal.status !== 'refused';
}

/** A finding that says nothing about the answer, with the reason. */
export function silent(kind: SignalKind, status: 'unavailable' | 'refused', reason: string): Finding {
  return { kind, status, score: null, evidence: { reason } };
}
