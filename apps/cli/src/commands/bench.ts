import type { Command } from 'commander';
import { registerDecide } from '../bench/decide';
import { registerExport } from '../bench/export';
import { registerOffPolicy } from '../bench/off-policy';
import { registerBenchLoad } from '../bench/load';
import { registerReplay } from '../bench/replay';
import { registerRetrieval } from '../bench/retrieval';
import { registerStability } from '../bench/stability';
import { registerAblation, registerDrift } from '../bench/studies';
import { registerBenchVerify } from '../bench/verify';

/** `acr bench`: replays benchmarks; needs no running stack. */
export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .summary('replay benchmarks and compare policies')
    .description(
      'Replays benchmarks and compares policies. Needs no running stack and calls no model, but for what says so.',
    );
  registerReplay(bench);
  registerExport(bench);
  registerAblation(bench);
  registerDrift(bench);
  registerStability(bench);
  registerOffPolicy(bench);
  registerDecide(bench);
  registerRetrieval(bench);
  registerBenchVerify(bench);
  registerBenchLoad(bench);
}
