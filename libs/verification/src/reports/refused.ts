/** A report that says nothing because it cannot be read; `message` is for the user. */
export class ReportRefused extends Error {}

/** Tests that one report may hold. */
export const MAX_TESTS = 100_000;

/** @throws ReportRefused always */
export function refuse(why: string): never {
  throw new ReportRefused(why);
}
