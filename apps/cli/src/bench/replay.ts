import type { BenchSource } from '@acrouter/bench/bench-source';
import { coverageOf } from '@acrouter/bench/export-coverage';
import type { ReplayOptions } from '@acrouter/bench/replay';
import { runReplay } from '@acrouter/bench/run-replay';
import { writeOutputs } from '@acrouter/bench/write-outputs';
import { AcrError } from '@acrouter/domain/errors';
import { Option } from 'commander';
import type { Command } from 'commander';
import { join } from 'node:path';
import { note, print, printJson } from '../output';
import { progressBar } from './progress-bar';
import { coverageNote, tableOf } from './replay-table';

/** What the user typed, as commander hands it over. */
export interface SourceFlags {
  data?: string;
  set: 'id' | 'ood';
  tasks?: string;
  results?: string;
  prices?: string;
  prior: string;
  chain?: string;
  strongest?: string;
  exploration?: number;
  neighbours?: 'prompts' | 'metadata';
  decisions?: string;
}

interface ReplayFlags extends SourceFlags {
  policies: string;
  orders: number;
  maxAttempts: number;
  costWeight: number;
  verifierNoise: number;
  attemptPrice: number;
  unknownCost: 'mean' | 'zero';
  jobs?: number;
  out?: string;
  json?: boolean;
}

/** A number from the command line. @throws AcrError ACR_INVALID_REQUEST outside of [low, high]. */
export function numberIn(name: string, low: number, high: number, whole = false) {
  return (text: string): number => {
    const value = Number(text);
    const isFine =
      Number.isFinite(value) && value >= low && value <= high && (!whole || Number.isInteger(value));
    if (text.trim() === '' || !isFine) {
      const kind = whole ? 'a whole number' : 'a number';
      throw new AcrError(
        'ACR_INVALID_REQUEST',
        `${name} must be ${kind} from ${low} to ${high}, not "${text}".`,
      );
    }
    return value;
  };
}

/** Flags that say which rows are replayed and what policies know. */
export function withSource(command: Command): Command {
  return command
    .option('--data <dir>', 'folder with CodeRouterBench files as released')
    .addOption(new Option('--set <set>', 'in or out of distribution').choices(['id', 'ood']).default('id'))
    .option('--tasks <file>', 'your own tasks.jsonl instead of --data')
    .option('--results <file>', 'your own results.jsonl: {"taskId","model","score","costUsd"} per line')
    .option(
      '--prices <file>',
      'JSON {"models":[{"id","inputPerMillion","outputPerMillion"}]} for your own data',
    )
    .option(
      '--decisions <file>',
      'decisions.jsonl of "bench export": what was decided then, as one more policy',
    )
    .addOption(
      new Option(
        '--neighbours <how>',
        'by embedded prompts where a task has one (default for your own files), or by metadata (default for --data)',
      ).choices(['prompts', 'metadata']),
    )
    .option('--prior <name>', 'published, none, or a JSON file', 'published')
    .option('--chain <models>', 'configured chain, comma-separated: what the guard falls back to')
    .option('--strongest <model>', 'model called strongest (default: the dearest)')
    .option(
      '--exploration <share>',
      'exploration mass (default: as in the product)',
      numberIn('--exploration', 0, 0.99),
    );
}

/** The source that the flags name. @throws AcrError ACR_INVALID_REQUEST when they name none, or two. */
export function sourceOf(flags: SourceFlags): BenchSource {
  const own = flags.tasks !== undefined || flags.results !== undefined;
  if (own === (flags.data !== undefined) || (own && !(flags.tasks && flags.results))) {
    throw new AcrError('ACR_INVALID_REQUEST', 'Give --data DIR, or --tasks FILE with --results FILE.');
  }
  if (!own && (flags.decisions !== undefined || flags.prices !== undefined)) {
    throw new AcrError('ACR_INVALID_REQUEST', '--prices and --decisions go with --tasks and --results.');
  }
  return {
    data:
      flags.tasks && flags.results
        ? {
            tasks: flags.tasks,
            results: flags.results,
            ...(flags.prices ? { models: flags.prices } : {}),
            ...(flags.decisions ? { decisions: flags.decisions } : {}),
          }
        : { directory: flags.data ?? '', set: flags.set },
    prior: flags.prior,
    ...(flags.neighbours ? { neighbours: flags.neighbours } : {}),
    ...(flags.chain ? { chain: flags.chain.split(',').map((id) => id.trim()) } : {}),
    ...(flags.strongest ? { strongest: flags.strongest } : {}),
    ...(flags.exploration === undefined ? {} : { exploration: flags.exploration }),
  };
}

/** `acr bench replay` */
export function registerReplay(bench: Command): void {
  withSource(bench.command('replay'))
    .summary('stream a benchmark through policies and compare their regret')
    .description(
      'Streams all tasks through each policy in several shuffled orders. A policy sees only the results of the\nmodels it chose. Published decisions are settled on the same rows. Cells of unknown cost count at the\nmodel’s mean cost in regret, and in no dollar sum.',
    )
    .option('--policies <names>', 'comma-separated, or all', 'all')
    .option('--orders <n>', 'shuffled orders', numberIn('--orders', 1, 10_000, true), 10)
    .option('--max-attempts <k>', 'attempts per task', numberIn('--max-attempts', 1, 100, true), 1)
    .option('--cost-weight <w>', 'score points per USD', numberIn('--cost-weight', 0, 1e6), 0.1)
    .option(
      '--verifier-noise <q>',
      'share of verdicts that are flipped',
      numberIn('--verifier-noise', 0, 0.49),
      0,
    )
    .option('--attempt-price <p>', 'score points per attempt', numberIn('--attempt-price', 0, 1), 0)
    .addOption(
      new Option('--unknown-cost <how>', 'what unknown costs count in regret')
        .choices(['mean', 'zero'])
        .default('mean'),
    )
    .option('--jobs <n>', 'threads (default: all cores; 0: in this one)', numberIn('--jobs', 0, 256, true))
    .option('--out <dir>', 'write table, decisions and plots there; an interrupted run goes on from there')
    .option('--json', 'print one line of JSON')
    .action(async (flags: ReplayFlags) => replay(flags));
}

async function replay(flags: ReplayFlags): Promise<void> {
  const source = sourceOf(flags);
  const { maxAttempts, costWeight, verifierNoise, attemptPrice, unknownCost } = flags;
  const options: ReplayOptions = { maxAttempts, costWeight, verifierNoise, attemptPrice, unknownCost };
  const bar = progressBar('streams');
  const outcome = await runReplay({
    source,
    options,
    policies: flags.policies === 'all' ? 'all' : flags.policies.split(',').map((name) => name.trim()),
    orders: flags.orders,
    ...(flags.jobs === undefined ? {} : { workers: flags.jobs }),
    ...(flags.out ? { resumeFile: join(flags.out, 'streams.jsonl') } : {}),
    onProgress: bar.update,
  });
  bar.end();
  if (flags.out)
    note(`Wrote ${writeOutputs(outcome, source, options, flags.out).length} files to ${flags.out}.`);
  const { unknownCostCells, embeddedPrompts = 0 } = outcome.benchmark;
  const coverage = coverageOf(outcome.benchmark);
  const { rows, notes } = outcome;
  if (flags.json) {
    const partial = coverage.complete ? {} : { coverage };
    return printJson({ rows, unknownCostCells, embeddedPrompts, notes, ...partial });
  }
  print(tableOf(outcome));
  print(
    embeddedPrompts === 0
      ? 'Neighbours: by metadata (dimension, source, language, difficulty).'
      : `Neighbours: by embedded prompts on ${embeddedPrompts} of ${coverage.tasks} tasks, else by metadata.`,
  );
  if (!coverage.complete) print(coverageNote(coverage));
  for (const text of notes) print(text);
  const how = unknownCost === 'mean' ? 'at the model’s mean known cost' : 'as zero (the paper’s way)';
  print(`${unknownCostCells} of the cells have an unknown cost: counted ${how} in regret, in no dollar sum.`);
}
