import type { Command } from 'commander';

/** `acr bench`: its sub-commands arrive with the replay. */
export function registerBench(program: Command): void {
  program.command('bench').summary('replay benchmarks and compare policies');
}
