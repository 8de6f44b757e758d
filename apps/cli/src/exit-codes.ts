import { AcrError, type ErrorCode } from '@acrouter/domain/errors';

/** What `acr` returns to the shell; docs/cli.md has the same table and a test keeps the two together. */
export const EXIT = {
  /** Done; with `--wait`: every task solved. */
  ok: 0,
  /** Finished, but tasks are unsolved, or `doctor` or `models test` found something wrong. */
  unsolved: 1,
  /** The command line, a file or the configuration is wrong. */
  usage: 2,
  /** No stack runs here, or it does not answer. */
  unreachable: 3,
  /** A budget did not allow the work. */
  overBudget: 4,
  /** Postgres, the queue, a provider, the sandbox or the disk failed. */
  infrastructure: 5,
  /** `acr ci wait`: the time limit passed; the run goes on. As GNU timeout has it. */
  timedOut: 124,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

const BY_ERROR: Partial<Record<ErrorCode, number>> = {
  ACR_INVALID_REQUEST: EXIT.usage,
  ACR_NOT_FOUND: EXIT.usage,
  ACR_UNAUTHENTICATED: EXIT.usage,
  ACR_FORBIDDEN: EXIT.usage,
  ACR_UNKNOWN_MODEL: EXIT.usage,
  ACR_CONFIG_INVALID: EXIT.usage,
  ACR_CONFLICT: EXIT.usage,
  ACR_IDEMPOTENCY_MISMATCH: EXIT.usage,
  ACR_RUN_CANCELLED: EXIT.usage,
  ACR_OVER_BUDGET: EXIT.overBudget,
  ACR_GATEWAY_UNREACHABLE: EXIT.unreachable,
};

/** The exit code for a fault; anything that is not the user's doing counts as infrastructure. */
export function exitCodeOf(error: unknown): number {
  return (error instanceof AcrError && BY_ERROR[error.code]) || EXIT.infrastructure;
}
