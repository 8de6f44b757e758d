import { constants } from 'node:os';
import type { BoundedResult } from './bounded-process';
import type { LimitHit, SandboxOutcome, SandboxResult } from './sandbox';

/** What the back end saw besides the process itself. */
export interface Evidence {
  oomKills: number;
  forkRefusals: number;
  /** Set when the program never began. */
  refusal: string | null;
}

const SIGXCPU = constants.signals.SIGXCPU;
const SIGKILL = constants.signals.SIGKILL;

const nameOf = (signal: number) =>
  Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;

/** Shells and bubblewrap report a death by signal as 128 + its number. */
function outcomeOf(result: BoundedResult, evidence: Evidence): SandboxOutcome {
  if (result.stopped === 'cancelled') return { kind: 'cancelled' };
  if (evidence.refusal !== null) return { kind: 'not-started', reason: evidence.refusal };
  if (result.stopped === 'wall') return { kind: 'timed-out', limit: 'wall' };
  if (result.stopped === 'flood') return { kind: 'output-flood' };
  if (result.stopped === 'files') return { kind: 'killed', signal: 'SIGKILL' };
  const signal = result.signal ? constants.signals[result.signal] : (result.exitCode ?? 0) - 128;
  if (evidence.oomKills > 0 && (signal === SIGKILL || result.exitCode !== 0))
    return { kind: 'out-of-memory' };
  if (signal === SIGXCPU) return { kind: 'timed-out', limit: 'cpu' };
  if (signal > 0 && signal < 65) return { kind: 'killed', signal: nameOf(signal) };
  return { kind: 'ended', exitCode: result.exitCode ?? -1 };
}

/** Turns the raw end of a process into the union that callers see. */
export function interpret(result: BoundedResult, evidence: Evidence): SandboxResult {
  const outcome = outcomeOf(result, evidence);
  const hits: [LimitHit, boolean][] = [
    ['wall', result.stopped === 'wall'],
    ['cpu', outcome.kind === 'timed-out' && outcome.limit === 'cpu'],
    ['memory', evidence.oomKills > 0],
    ['processes', evidence.forkRefusals > 0],
    ['output', result.outputTruncated],
    ['flood', result.stopped === 'flood'],
    ['files', result.stopped === 'files'],
  ];
  return {
    outcome,
    stdout: result.stdout,
    stderr: result.stderr,
    outputTruncated: result.outputTruncated,
    limitsHit: hits.flatMap(([limit, hit]) => (hit ? [limit] : [])),
    durationMs: result.durationMs,
  };
}
