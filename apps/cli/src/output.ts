import { readCliEnv } from '@acrouter/config/cli-env';
import picocolors from 'picocolors';

/** Settings of this invocation from the environment. */
export const cliEnv = readCliEnv(Boolean(process.stdout.isTTY));
/** Colour functions; the identity where colours are not wanted. */
export const paint = picocolors.createColors(cliEnv.colors);

/** The answer: text on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The answer: one JSON document on one line of stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Progress, hints and everything else that is not the answer: stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
