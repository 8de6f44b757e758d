/**
 * The glossary. Every other file uses these words in these senses
 * (source: arXiv 2606.22902, §3.2, unless a line says otherwise).
 *
 * - **task**: one coding request: a prompt, and how its answer can be checked.
 * - **context**: what is known before acting: the task's dimension and language, its nearest
 *   neighbours in memory, and the statistics of every model.
 * - **decision**: the choice of one model for one attempt, or the choice to stop.
 * - **attempt**: one decision carried out: model called, answer checked. Numbered from 1 per task.
 * - **call**: one HTTP request to a provider. An attempt may need several (rate limits, outages).
 * - **feedback**: (score, cost) of one attempt, as verified.
 * - **score**: quality in [0, 1]; 1 = every check passed.
 * - **cost**: USD. `null` means *unknown*, which is never the same as 0.
 * - **reward**: score − costWeight · costUsd, costWeight in score points per USD (paper: 0.1).
 * - **experience**: one feedback kept in memory, keyed by the embedding of its task.
 * - **escalation**: a further attempt after an attempt whose score did not settle the task.
 * - **outage**: an attempt that ended without an answer. It says nothing about the model's skill.
 * - **run**: a batch of tasks submitted together.
 * - **settle**: to reach the one final outcome of a task.
 */

import type { ReportFormat } from './verification/test-report';

/** The nine task kinds of CodeRouterBench. Source: arXiv 2606.22902, Table 10. */
export const DIMENSIONS = [
  'code_generation',
  'algorithm',
  'bug_fixing',
  'code_completion',
  'code_refactoring',
  'data_science',
  'multi_language',
  'code_understanding',
  'test_generation',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Whether `value` is one of the nine dimensions. */
export function isDimension(value: unknown): value is Dimension {
  return DIMENSIONS.includes(value as Dimension);
}

/** The file in which `command` tells of its tests. */
export interface ReportSpec {
  /** How it is read; the first three names also say how tests are planted in it (verification/planted.ts). */
  format: ReportFormat;
  /** Where `command` writes it, relative. Default: what `$ACR_REPORT` says in the command, a new place each time. */
  path?: string;
}

/** A commit of a repository that the verifier can see. */
export interface RepositorySpec {
  /** Folder, bare repository or `.bundle` below ACR_REPOSITORIES. */
  name: string;
  /** Id of the commit that the answer changes, at least 7 digits. */
  base: string;
  /** Folders beside the repository's own files that tests need and git does not hold (`node_modules`), read-only. */
  include?: string[];
}

/** How an answer is checked. All fields optional: without any, only prompt tests and syntax are used. */
export interface VerificationSpec {
  /** Code appended after the answer; the check passes when the whole program ends normally. */
  tests?: string;
  /** Shell command run in a folder that holds the answer and `files`. Exclusive with `tests`. */
  command?: string;
  /** Extra files, path (relative, inside the folder) → text. */
  files?: Record<string, string>;
  /** File the answer is written to when `command` is used. Default: `answer.py`, `answer.js`, … by language. */
  answerFile?: string;
  /**
   * Paths among `files` that the answer may change. The answer is then read as a unified diff or as whole files
   * (verification/edits.ts) and `command` sees the changed texts; one that does not apply fails.
   */
  edits?: string[];
  /**
   * Where the answer runs while `command` tests it. Default `separate`: in a sandbox of its own wherever the command
   * allows it, so that it cannot touch its tests; the tests see stand-ins of its objects. `shared`: beside the
   * tests, for tests of object identity, patched globals and the like; a hostile answer could then fake a pass.
   */
  isolation?: 'separate' | 'shared';
  /** Report that `command` must write; its tests decide then, and an exit code without it counts as a failure. */
  report?: ReportSpec;
  /**
   * The answer is a diff or whole files for this commit; `command` runs in a copy with `files` put over it, once
   * without and once with the answer, and the tests of both are compared.
   */
  repository?: RepositorySpec;
  /** Globs that the answer may not change, besides tests and their settings (verification/protected-paths.ts). */
  protect?: string[];
  /** Globs that the answer may change although they are protected. */
  allow?: string[];
  /** Tests that fail before the change and must pass after it. Default: none. */
  failToPass?: string[];
  /** Tests that pass before the change and must still. Default: all that do. */
  passToPass?: string[];
  /** Function that `tests` exercise (HumanEval's `entry_point`). */
  entryPoint?: string;
  /** Wall-clock limit of the check, in ms. Default 10,000. */
  timeoutMs?: number;
}

/** What bounds the work on one task. */
export interface TaskLimits {
  /**
   * Judged attempts allowed, ≥ 1. Default 8: the policy stops earlier as soon as another attempt is not worth
   * its price (`costWeight`), so this only bounds the tail. Outages do not count; see `maxOutages`.
   */
  maxAttempts: number;
  /** Attempts allowed to end without an answer (outage, budget refused) before the task settles. Default 6. */
  maxOutages: number;
  /** Most that may be spent on this task, USD; `null` = no limit. */
  maxCostUsd: number | null;
  /** Unix time in ms after which no new attempt starts; `null` = no deadline. */
  deadlineAtMs: number | null;
  /** Score points that one USD is worth to the user (ε2 of the paper with opposite sign). Default 0.1. */
  costWeight: number;
}

export const DEFAULT_LIMITS: TaskLimits = {
  maxAttempts: 8,
  maxOutages: 6,
  maxCostUsd: null,
  deadlineAtMs: null,
  costWeight: 0.1,
};

/**
 * How a task ended.
 * - `solved`: an attempt passed its checks.
 * - `unsolved`: attempts were judged and none passed; the best one is the answer.
 * - `unverified`: an answer exists, but nothing could check it.
 * - `over-budget`: no attempt fitted into the budget.
 * - `expired`: the deadline passed before any attempt was judged.
 * - `failed`: only outages.
 * - `cancelled`: a user said so.
 */
export const OUTCOMES = [
  'solved',
  'unsolved',
  'unverified',
  'over-budget',
  'expired',
  'failed',
  'cancelled',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Prices in USD per million tokens. Cached input defaults to the input price, reasoning to the output price. */
export interface Price {
  inputPerMillion: number;
  outputPerMillion: number;
  cachedInputPerMillion?: number;
  reasoningPerMillion?: number;
  /** Most that one call can cost, USD, where tokens do not bound it: a coding agent makes many requests per call. */
  maxCallUsd?: number;
}

/** Tokens of one call as the provider reported them. Cached ⊆ input and reasoning ⊆ output. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
  reasoningTokens: number;
}

/** One entry of the model pool, as routing sees it. */
export interface PoolModel {
  id: string;
  price: Price;
  /** Whether answers and prices come from the simulated pool; shown everywhere results are. */
  simulated: boolean;
}

/**
 * Cost of a call in USD, or `null` when usage is unknown.
 * input·(input − cached) + cached·cached + output·(output − reasoning) + reasoning·reasoning.
 */
export function costOf(usage: Usage | null, price: Price): number | null {
  if (usage === null) return null;
  const cachedPrice = price.cachedInputPerMillion ?? price.inputPerMillion;
  const reasoningPrice = price.reasoningPerMillion ?? price.outputPerMillion;
  const freshInput = usage.inputTokens - usage.cachedInputTokens;
  const plainOutput = usage.outputTokens - usage.reasoningTokens;
  return (
    (freshInput * price.inputPerMillion +
      usage.cachedInputTokens * cachedPrice +
      plainOutput * price.outputPerMillion +
      usage.reasoningTokens * reasoningPrice) /
    1e6
  );
}

/** Most that one call can cost in USD: its own bound, else all of the prompt uncached and all of the output used. */
export function worstCaseCost(inputTokens: number, maxOutputTokens: number, price: Price): number {
  if (price.maxCallUsd !== undefined) return price.maxCallUsd;
  const output = Math.max(price.outputPerMillion, price.reasoningPerMillion ?? 0);
  return (inputTokens * price.inputPerMillion + maxOutputTokens * output) / 1e6;
}
