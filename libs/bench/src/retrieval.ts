import type { CorpusItem } from './retrieval-corpus';
import type { Contender } from './retrieval-embedders';
import type { Micros } from './retrieval-speed';
import { microsSummary } from './retrieval-speed';
import { hash32, seededRandom } from '@acrouter/domain/seeded-random';

/**
 * What is measured of each prompt's nearest neighbours among all others: whether they are of the same data set
 * and source (repository); whether the neighbour's best model is a best model of this task, among the tasks of
 * its pool whose models did not all score alike; and the score of the model that 10 neighbours of the pool vote for.
 */
export const METRICS = [
  'set@1',
  'set@10',
  'source@1',
  'source@10',
  'best@1',
  'best@10',
  'routed@10',
] as const;
export type Metric = (typeof METRICS)[number];

/** A mean over prompts with its 95 % interval (percentile bootstrap over the prompts). */
export interface Measured {
  mean: number;
  low: number;
  high: number;
  prompts: number;
}

/** One line of the table. */
export interface RetrievalRow {
  embedder: string;
  dimensions: number | null;
  needs: string;
  /** Time to embed one prompt; `null` for the baseline. */
  embed: Micros | null;
  metrics: Record<Metric, Measured>;
  /** Difference to the first contender (the default), prompt by prompt; `null` for itself and the baseline. */
  versusDefault: Record<Metric, Measured> | null;
}

/** The best contender that may be the default by one half of the prompts, judged on the other half. */
export interface HeldOutChoice {
  chosen: string;
  /** Its lead over the default on the half that did not choose it: mean of source@10 and best@10. */
  lead: Measured;
}

/** The whole comparison. */
export interface RetrievalOutcome {
  prompts: number;
  /** Prompts whose models did not all score alike. */
  informative: number;
  rows: RetrievalRow[];
  heldOut: HeldOutChoice[];
}

type PerPrompt = Record<Metric, Float64Array>;

const MOST = 10;
const RESAMPLES = 1_000;

/** Embeds all prompts with every contender (the first one is the default) and compares their neighbours. */
export async function compareRetrieval(
  items: readonly CorpusItem[],
  contenders: readonly Contender[],
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<RetrievalOutcome> {
  const measured: PerPrompt[] = [];
  const times: Micros[] = [];
  let done = 0;
  for (const { embedder } of contenders) {
    const vectors: Float32Array[] = [];
    const micros: number[] = [];
    for (const { prompt } of items) {
      const start = process.hrtime.bigint();
      vectors.push(await embedder.embed(prompt));
      micros.push(Number(process.hrtime.bigint() - start) / 1_000);
      onProgress((done += 1), contenders.length * items.length);
    }
    times.push(microsSummary(micros));
    measured.push(measure(items, vectors));
  }
  const rows = contenders.map(({ embedder, needs }, i): RetrievalRow => ({
    embedder: embedder.id,
    dimensions: embedder.dimensions,
    needs,
    embed: times[i] ?? null,
    metrics: summary(measured[i] as PerPrompt),
    versusDefault: i === 0 ? null : summary(difference(measured[i] as PerPrompt, measured[0] as PerPrompt)),
  }));
  return {
    prompts: items.length,
    informative: items.filter((item) => item.choice !== null).length,
    rows: [...rows, baseline(items)],
    heldOut: heldOut(items, contenders, measured),
  };
}

function measure(items: readonly CorpusItem[], vectors: readonly Float32Array[]): PerPrompt {
  const out = emptyMetrics(items.length);
  items.forEach((item, q) => {
    const query = vectors[q] as Float32Array;
    const near = items
      .map((other, i) => ({ other, similarity: dot(query, vectors[i] as Float32Array) }))
      .filter((_, i) => i !== q)
      .sort((a, b) => b.similarity - a.similarity)
      .map(({ other }) => other);
    write(out, q, item, near, (values, k) => meanOf(values.slice(0, k)));
  });
  return out;
}

/** Random neighbours: what each metric is when the order says nothing. routed@10: the best single model instead. */
function baseline(items: readonly CorpusItem[]): RetrievalRow {
  const out = emptyMetrics(items.length);
  items.forEach((item, q) => {
    const others = items.filter((_, i) => i !== q);
    write(out, q, item, others, (values) => meanOf(values));
    out['routed@10'][q] = votedScore(
      item,
      others.filter((o) => o.pool === item.pool),
    );
  });
  return {
    embedder: 'random neighbours; best single model',
    dimensions: null,
    needs: '',
    embed: null,
    metrics: summary(out),
    versusDefault: null,
  };
}

/** All metrics of one prompt. `near`: all other items, nearest first; `average(values, k)`: of the first k. */
function write(
  out: PerPrompt,
  q: number,
  item: CorpusItem,
  near: readonly CorpusItem[],
  average: (values: readonly number[], k: number) => number,
): void {
  for (const label of ['set', 'source'] as const) {
    const matches = near.map((other) => (other[label] === item[label] ? 1 : 0));
    const hasCompany = item[label] !== null && matches.includes(1);
    out[`${label}@1`][q] = hasCompany ? average(matches, 1) : NaN;
    out[`${label}@10`][q] = hasCompany ? average(matches, MOST) : NaN;
  }
  const pool = near.filter((other) => other.pool === item.pool);
  const right = pool.flatMap((o) => (o.choice === null ? [] : [item.best.has(o.choice) ? 1 : 0]));
  out['best@1'][q] = item.choice === null ? NaN : average(right, 1);
  out['best@10'][q] = item.choice === null ? NaN : average(right, MOST);
  out['routed@10'][q] = votedScore(item, pool.slice(0, MOST));
}

/** Score of the model with the best mean among `voters`, on `item`; NaN where nobody votes. */
function votedScore(item: CorpusItem, voters: readonly CorpusItem[]): number {
  let best = { model: '', mean: -1 };
  for (const model of item.scores.keys()) {
    const mean = meanOf(voters.flatMap((v) => v.scores.get(model) ?? []));
    if (mean > best.mean) best = { model, mean };
  }
  return item.scores.get(best.model) ?? NaN;
}

function heldOut(
  items: readonly CorpusItem[],
  contenders: readonly Contender[],
  measured: readonly PerPrompt[],
): HeldOutChoice[] {
  const quality = measured.map((m) =>
    items.map((_, q) => meanOf([m['source@10'][q] ?? NaN, m['best@10'][q] ?? NaN])),
  );
  const half = items.map(({ id }) => hash32(`half:${id}`) & 1);
  return [0, 1].map((chooser) => {
    const on = (i: number, side: number) => (quality[i] ?? []).filter((_, q) => half[q] === side);
    let best = 0;
    contenders.forEach(({ mayBeDefault }, i) => {
      if (mayBeDefault && meanOf(on(i, chooser)) > meanOf(on(best, chooser))) best = i;
    });
    const other = on(best, 1 - chooser);
    const lead = on(0, 1 - chooser).map((value, q) => (other[q] ?? NaN) - value);
    return { chosen: contenders[best]?.embedder.id ?? '', lead: bootstrap(lead) };
  });
}

const emptyMetrics = (n: number) =>
  Object.fromEntries(METRICS.map((name) => [name, new Float64Array(n).fill(NaN)])) as PerPrompt;

const summary = (values: PerPrompt) =>
  Object.fromEntries(METRICS.map((name) => [name, bootstrap([...values[name]])])) as Record<Metric, Measured>;

const difference = (a: PerPrompt, b: PerPrompt) =>
  Object.fromEntries(
    METRICS.map((name) => [name, a[name].map((value, q) => value - (b[name][q] ?? NaN))]),
  ) as PerPrompt;

/** Mean of the numbers that are none of NaN; NaN of none. */
function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

function bootstrap(values: readonly number[]): Measured {
  const known = values.filter((value) => !Number.isNaN(value));
  const n = known.length;
  const random = seededRandom(7);
  const draws = Array.from({ length: n === 0 ? 0 : RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += known[Math.floor(random() * n)] as number;
    return sum / n;
  }).sort((a, b) => a - b);
  const at = (q: number) => draws[Math.round(q * (draws.length - 1))] ?? NaN;
  return { mean: meanOf(known), low: at(0.025), high: at(0.975), prompts: n };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
