import { defaultPolicyName, POLICIES } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';
import type { ReplayOptions } from './replay';

/** A bar: the default policy's figure over the best of the others', which must not pass `limit`. */
export interface Bar {
  /** Compared with the lowest of these policies. */
  against: string[];
  figure: 'regret' | 'costUsd';
  limit: number;
}

/** One way to replay the rows, and what is compared there. */
export interface StabilitySetting {
  name: string;
  options: ReplayOptions;
  prior: boolean;
  bars: Bar[];
}

const BASE: ReplayOptions = {
  maxAttempts: 1,
  costWeight: 0.1,
  verifierNoise: 0,
  attemptPrice: 0,
  unknownCost: 'mean',
};

/** Default policy of a setting. */
export function defaultOf({ options }: StabilitySetting): string {
  return defaultPolicyName({ maxAttempts: options.maxAttempts });
}

const regret = (limit: number, ...against: string[]): Bar => ({ against, figure: 'regret', limit });

/** The settings that apply to these rows; without published decisions nothing is compared with them. */
export function stabilitySettings(benchmark: Benchmark): StabilitySetting[] {
  const published = benchmark.recorded
    .map((r) => r.name)
    .filter((name) => name.startsWith('published:acrouter'));
  const isOod = published.some((name) => name.includes('ood'));
  const settings = isOod ? oodSettings(benchmark, published) : idSettings(published);
  return settings.filter((s) => s.bars.length > 0);
}

function setting(name: string, options: Partial<ReplayOptions>, bars: Bar[], prior = true): StabilitySetting {
  return {
    name,
    options: { ...BASE, ...options },
    prior,
    bars: bars.filter((bar) => bar.against.length > 0),
  };
}

function idSettings(published: string[]): StabilitySetting[] {
  const one = defaultPolicyName({ maxAttempts: 1 });
  const rivals = POLICIES.map((p) => p.name).filter((name) => name !== one && !name.startsWith('llm-'));
  return [
    setting('one attempt', {}, [regret(0.95, ...published), regret(1, ...rivals)]),
    setting('one attempt, cold', {}, [regret(1, 'linucb', 'lints', 'epsilon-greedy', 'knn')], false),
    ...[2, 3, 4].flatMap((maxAttempts) => [0.1, 1, 5, 10].map((w) => escalation(maxAttempts, w, published))),
    setting('K=8, weight 0.1', { maxAttempts: 8 }, [regret(0.05, ...published)]),
    ...[0.1, 0.2].map((verifierNoise) =>
      setting(`K=3, ${100 * verifierNoise} % wrong verdicts`, { maxAttempts: 3, verifierNoise }, [
        regret(1, 'prior-order'),
      ]),
    ),
  ];
}

function escalation(maxAttempts: number, costWeight: number, published: string[]): StabilitySetting {
  const limit = costWeight >= 10 ? 0.65 : costWeight >= 5 ? 0.88 : 1.03;
  const bars = [regret(limit, 'prior-order')];
  if (costWeight >= 5) bars.push(regret(1, 'cheapest-first'));
  if (maxAttempts === 3 && costWeight === 0.1) {
    bars.push(regret(0.22, ...published), { against: ['strongest'], figure: 'costUsd', limit: 1 });
  }
  return setting(`K=${maxAttempts}, weight ${costWeight}`, { maxAttempts, costWeight }, bars);
}

function oodSettings(benchmark: Benchmark, published: string[]): StabilitySetting[] {
  const single = benchmark.models.map((m) => `always:${m.id}`);
  const bars = [regret(1, ...published), regret(1, 'fixed-chain')];
  return [
    setting('K=5', { maxAttempts: 5 }, bars),
    setting('K=5, unknown costs zero', { maxAttempts: 5, unknownCost: 'zero' }, bars),
    setting('K=5, cold', { maxAttempts: 5 }, bars, false),
    setting('one attempt', {}, [regret(1, ...single), regret(1, 'strongest'), regret(1, 'dimension-best')]),
  ];
}
