import { InvalidArgumentError } from 'commander';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** For commander: `90s`, `30m`, `12h` or `90d` in ms. @throws InvalidArgumentError */
export function durationMs(text: string): number {
  const match = /^(\d{1,6}(?:\.\d+)?)([smhd])$/.exec(text.trim());
  const value = Number(match?.[1] ?? 0) * UNIT_MS[(match?.[2] ?? 's') as keyof typeof UNIT_MS];
  if (value > 0) return Math.round(value);
  throw new InvalidArgumentError('It must be a time above 0, such as 90s, 30m, 12h or 7d.');
}

/** Longest that a timer of Node can wait, whole days. */
const MAX_WAIT_DAYS = 24;

/** The same for what is waited for. @throws InvalidArgumentError above 24 days, too */
export function waitMs(text: string): number {
  const ms = durationMs(text);
  if (ms <= MAX_WAIT_DAYS * UNIT_MS.d) return ms;
  throw new InvalidArgumentError(`It must be at most ${MAX_WAIT_DAYS}d.`);
}
