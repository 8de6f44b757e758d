/** One thing that `acr doctor` looked at. */
export interface Finding {
  /** What was looked at, e.g. `port 8700`. */
  check: string;
  /** `warning`: it works, with a drawback. Only a `problem` makes the exit code 1. */
  status: 'ok' | 'warning' | 'problem';
  /** What was found: the cause, where it is a problem. */
  detail: string;
  /** What to do about it; `''` when nothing needs doing. */
  remedy: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, remedy: '' });
export const warning = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'warning',
  detail,
  remedy,
});
export const problem = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'problem',
  detail,
  remedy,
});

/** The message of whatever was thrown, with the system's code where it has no words of its own. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}
