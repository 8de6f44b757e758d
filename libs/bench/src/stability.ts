import { AcrError } from '@acrouter/domain/errors';
import type { PolicySetup } from '@acrouter/domain/routing/policy';
import type { Benchmark } from './benchmark';
import { prepare } from './replay';
import type { PreparedBenchmark } from './replay';
import { spread } from './rows';
import type { Spread } from './rows';
import { shuffled } from '@acrouter/domain/seeded-random';
import { defaultOf, stabilitySettings } from './stability-bars';
import type { Bar, StabilitySetting } from './stability-bars';
import { runRecorded, runStream } from './stream';

/** How one bar fared over all halves. */
export interface StabilityRow {
  setting: string;
  policy: string;
  /** What the default is compared with; of several the lowest, in each half anew. */
  against: string;
  figure: Bar['figure'];
  limit: number;
  /** Ratio of the default's figure to the other's, over the halves. */
  ratio: Spread;
  worst: number;
  /** Share of the halves in which the ratio is at most `limit`. */
  held: number;
  halves: number;
  orders: number;
}

/** How the study is run. */
export interface StabilityRequest {
  /** Random splits, ≥ 1; each yields two halves. */
  splits: number;
  /** Shuffled orders per half, ≥ 1. */
  orders: number;
  /** Only settings whose name contains this; absent: all. */
  only?: string;
  onProgress?: (done: number, total: number) => void;
}

/**
 * Whether the targets depend on which rows one happens to have: splits the rows at random into halves (by
 * task), replays each half by itself and compares the default policy with what it must beat. Split s uses
 * seed 10,000 + s, order n seed n.
 */
export function stabilityStudy(
  benchmark: Benchmark,
  setup: PolicySetup,
  request: StabilityRequest,
): StabilityRow[] {
  const halves = Array.from({ length: request.splits }, (_, s) => halvesOf(benchmark, 10_001 + s)).flat();
  const all = stabilitySettings(benchmark);
  const settings = all.filter((s) => s.name.includes(request.only ?? ''));
  if (settings.length === 0)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `No setting has "${request.only}" in its name. There are: ${all.map((s) => s.name).join('; ')}.`,
    );
  let done = 0;
  return settings.flatMap((setting) => {
    const ratios = halves.map((half) => {
      const found = ratiosOf(half, setup, setting, request.orders);
      request.onProgress?.((done += 1), halves.length * settings.length);
      return found;
    });
    return setting.bars.map((bar, b) =>
      rowOf(
        setting,
        bar,
        ratios.map((of) => of[b] ?? NaN),
        request.orders,
      ),
    );
  });
}

/** The two halves of a random split of the tasks. */
export function halvesOf(benchmark: Benchmark, seed: number): Benchmark[] {
  const order = shuffled(benchmark.tasks.length, seed);
  const middle = Math.ceil(order.length / 2);
  return [order.slice(0, middle), order.slice(middle)].map((part) => {
    const inside = new Set(part);
    return { ...benchmark, tasks: benchmark.tasks.filter((_, i) => inside.has(i)) };
  });
}

interface Figures {
  regret: number;
  costUsd: number;
}

/** One ratio per bar of the setting. */
function ratiosOf(half: Benchmark, setup: PolicySetup, setting: StabilitySetting, orders: number): number[] {
  const prepared = prepare(half, setting.options.unknownCost);
  const from = setting.prior ? setup : withoutPrior(setup);
  const names = [...new Set([defaultOf(setting), ...setting.bars.flatMap((bar) => bar.against)])];
  const figures = new Map(names.map((name) => [name, figuresOf(prepared, from, setting, name, orders)]));
  const own = figures.get(defaultOf(setting)) as Figures;
  return setting.bars.map(({ against, figure }) => {
    const lowest = Math.min(...against.map((name) => figures.get(name)?.[figure] ?? Infinity));
    return own[figure] / lowest;
  });
}

/** A cold setup knows neither a prior nor a chain. */
function withoutPrior({ chain: _chain, ...setup }: PolicySetup): PolicySetup {
  return { ...setup, prior: null };
}

function figuresOf(
  prepared: PreparedBenchmark,
  setup: PolicySetup,
  { options }: StabilitySetting,
  policy: string,
  orders: number,
): Figures {
  const isRecorded = prepared.benchmark.recorded.some((r) => r.name === policy);
  const results = isRecorded
    ? [runRecorded(prepared, policy, options).result]
    : Array.from(
        { length: orders },
        (_, i) => runStream(prepared, setup, { policy, order: i + 1, options }).result,
      );
  return {
    regret: spread(results.map((r) => r.regret)).mean,
    costUsd: spread(results.map((r) => r.costUsd)).mean,
  };
}

function rowOf(setting: StabilitySetting, bar: Bar, ratios: number[], orders: number): StabilityRow {
  return {
    setting: setting.name,
    policy: defaultOf(setting),
    against: bar.against.length > 1 ? `best of ${bar.against.length}` : (bar.against[0] ?? ''),
    figure: bar.figure,
    limit: bar.limit,
    ratio: spread(ratios),
    worst: Math.max(...ratios),
    held: ratios.filter((ratio) => ratio <= bar.limit).length / ratios.length,
    halves: ratios.length,
    orders,
  };
}
