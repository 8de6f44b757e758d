import { openBenchmark, setupOf } from '@acrouter/bench/bench-source';
import type { CoverageOutcome, CoverageRow } from '@acrouter/bench/off-policy-study';
import { coverageStudy } from '@acrouter/bench/off-policy-study';
import { AcrError } from '@acrouter/domain/errors';
import { defaultPolicyName } from '@acrouter/domain/routing/registry';
import type { Command } from 'commander';
import { print, printJson } from '../output';
import { progressBar } from './progress-bar';
import type { SourceFlags } from './replay';
import { numberIn, sourceOf, withSource } from './replay';
import { textTable } from './text-table';

interface OffPolicyFlags extends SourceFlags {
  against?: string;
  policy?: string;
  repetitions: number;
  maxAttempts: number;
  json?: boolean;
}

/** Tried unless `--exploration` names one; the last is the product's. */
const EXPLORATIONS = [0.3, 0.1, 0.01];

/** `acr bench off-policy` */
export function registerOffPolicy(bench: Command): void {
  withSource(bench.command('off-policy'))
    .summary('how often estimates from logged probabilities cover the truth')
    .description(
      'Replays a policy with exploration, estimates from its logged probabilities what one model for everything\nwould have scored and cost (as "acr report --against" does), and compares with the rows, which know.\nWithout --exploration at 0.3, 0.1 and the product’s own 0.01.',
    )
    .option('--against <model>', 'model whose score is estimated (default: the strongest)')
    .option('--policy <name>', 'policy that is logged (default: the product’s)')
    .option('--repetitions <n>', 'logged streams', numberIn('--repetitions', 1, 10_000, true), 200)
    .option('--max-attempts <k>', 'attempts per task in the log', numberIn('--max-attempts', 1, 100, true), 1)
    .option('--json', 'print one line of JSON')
    .action(offPolicy);
}

function offPolicy(flags: OffPolicyFlags): void {
  const source = sourceOf(flags);
  const benchmark = openBenchmark(source);
  const setup = setupOf(source, benchmark);
  const against = flags.against ?? setup.strongest;
  if (!benchmark.models.some((m) => m.id === against)) {
    const known = benchmark.models.map((m) => m.id).join(', ');
    throw new AcrError('ACR_UNKNOWN_MODEL', `--against ${against} has no results here. Known: ${known}.`);
  }
  const { maxAttempts, repetitions } = flags;
  const bar = progressBar('logs');
  const outcome = coverageStudy(benchmark, setup, {
    policy: flags.policy ?? defaultPolicyName({ maxAttempts }),
    against,
    repetitions,
    explorations: flags.exploration === undefined ? EXPLORATIONS : [flags.exploration],
    options: { maxAttempts, costWeight: 0.1, verifierNoise: 0, attemptPrice: 0, unknownCost: 'mean' },
    onProgress: bar.update,
  });
  bar.end();
  if (flags.json) printJson(outcome);
  else print(view(outcome).join('\n'));
}

const KEYS = ['ips', 'snips', 'doublyRobust'] as const;

function view(outcome: CoverageOutcome): string[] {
  const show = (row: CoverageRow, value: number | null) =>
    value === null
      ? '–'
      : row.outcome === 'firstScore'
        ? `±${(100 * value).toFixed(1)}`
        : `±$${value.toFixed(4)}`;
  const rows = outcome.rows.map((row) => [
    `${row.exploration}`,
    row.outcome === 'firstScore' ? 'score' : 'cost',
    row.outcome === 'firstScore' ? `${(100 * row.truth).toFixed(2)} %` : `$${row.truth.toFixed(5)}`,
    row.effectiveSamples.toFixed(1),
    `${row.withInterval}`,
    ...KEYS.map((key) => {
      const share = row.covered[key];
      return `${share === null ? '–' : `${(100 * share).toFixed(1)} %`} ${show(row, row.halfWidth[key])}`;
    }),
  ]);
  const head = [
    'exploration',
    'outcome',
    'truth',
    'effective n',
    'intervals',
    'IPS',
    'self-normalised',
    'doubly robust',
  ];
  return [
    `${outcome.policy} logged, always ${outcome.against} estimated, ${outcome.repetitions} logs each`,
    ...textTable(head, rows),
    'How often a 95 % interval holds the truth, and its mean half-width. Under 10 effective samples (costs: 25) no interval is given.',
  ];
}
