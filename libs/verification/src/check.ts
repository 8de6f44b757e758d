import type { Sandbox } from '@acrouter/sandbox/sandbox';
import type { Program } from '@acrouter/domain/verification/extract';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import type { SignalWeights } from '@acrouter/domain/verification/score';
import type { Finding } from '@acrouter/domain/verification/signals';
import type { Dimension } from '@acrouter/domain/task';
import type { Repositories } from './repository/repositories';
import type { CheckableTask } from './verdict';

/** What verification needs from outside. */
export interface VerifyDependencies {
  /** `null`: this machine has none; execution-based checks are then refused with `sandboxReason`. */
  sandbox: Sandbox | null;
  sandboxReason?: string;
  /** A fresh unguessable word for each run (`randomUUID`). */
  token: () => string;
  /** Weights per dimension; default DEFAULT_WEIGHTS. */
  weights?: Partial<Record<Dimension, SignalWeights>>;
  signal?: AbortSignal;
  /** Where repository tasks find their repositories; without it they are refused. */
  repositories?: Repositories | null;
  /** Tests of this check that gave different results for the same answer before; asked when one failed. */
  flaky?: () => Promise<ReadonlySet<string>>;
}

/** Default wall-clock limit of a check, ms. */
export const DEFAULT_CHECK_MS = 10_000;

/** What the checks of one answer found. */
export interface Checked {
  findings: Finding[];
  chosen: Program | null;
  ran: boolean;
  refused: string | null;
}

/** A check in progress: the task with everything that was derived from it. */
export interface Check {
  task: CheckableTask;
  answer: string;
  language: CheckedLanguage | null;
  entryPoint: string | null;
  programs: Program[];
}
