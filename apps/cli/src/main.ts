import { AcrError } from '@acrouter/domain/errors';
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf } from './exit-codes';
import { cliEnv, note, paint } from './output';
import { buildProgram } from './program';

/**
 * Runs one command line (without `node` and the script).
 * @returns the exit code (exit-codes.ts); never throws
 */
export async function main(argv: readonly string[]): Promise<number> {
  // `acr report | head` closes our stdout early; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
  });
  try {
    const program = await buildProgram(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    return explain(error);
  }
}

/** Prints a fault in a few lines, without a stack trace unless ACR_DEBUG asks for it. */
function explain(error: unknown): number {
  // Commander has printed the help, or what is wrong with the command line, itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof AcrError ? error.code : 'ACR_INTERNAL';
  note(`${paint.red('error')} ${paint.dim(code)}: ${message}`);
  if (cliEnv.debug) note(error instanceof Error ? (error.stack ?? '') : '');
  else if (!(error instanceof AcrError)) note('Set ACR_DEBUG=1 to see where it happened.');
  return exitCodeOf(error);
}
