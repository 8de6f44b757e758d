import { readFileSync } from 'node:fs';
import { AcrError } from '@acrouter/domain/errors';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';
import { parsePrior } from '@acrouter/domain/routing/prior';
import { PUBLISHED_PRIOR } from '@acrouter/domain/routing/published-prior';
import type { PolicySetup, Prior } from '@acrouter/domain/routing/policy';
import type { Benchmark } from './benchmark';
import { dearestModel } from './benchmark';
import type { BenchmarkSet } from './coderouterbench';
import { readCodeRouterBench } from './coderouterbench';
import type { UserFiles } from './user-data';
import { readUserData } from './user-data';

/** Rows to replay, and what policies may know beforehand. Plain data, so that workers can be given it. */
export interface BenchSource {
  /** A CodeRouterBench folder and set, or a user's own files. */
  data: { directory: string; set: BenchmarkSet } | UserFiles;
  /** `published`, `none`, or the path of a prior file. */
  prior: string;
  /** Models of the configured chain; absent: the prior's order. */
  chain?: string[];
  /** Model called strongest; absent: the dearest. */
  strongest?: string;
  /**
   * How neighbours are found: by the default embedding where a task has a `prompt`, as the product does, or by
   * `metadata`. Default: prompts for a user's own files, metadata for CodeRouterBench (its ID tasks have no prompts,
   * and both sets are to be comparable).
   */
  neighbours?: 'prompts' | 'metadata';
  /** Exploration mass; absent: the product's default. */
  exploration?: number;
}

/** Reads the rows of a source, and embeds their prompts where it has some. 0.1 to 1 ms per prompt. */
export function openBenchmark(source: BenchSource): Benchmark {
  const { data } = source;
  const benchmark = 'directory' in data ? readCodeRouterBench(data.directory, data.set) : readUserData(data);
  const neighbours = source.neighbours ?? ('directory' in data ? 'metadata' : 'prompts');
  return neighbours === 'metadata' ? benchmark : withEmbeddings(benchmark);
}

function withEmbeddings(benchmark: Benchmark): Benchmark {
  const embedder = new HashedEmbedder();
  let embeddedPrompts = 0;
  const tasks = benchmark.tasks.map((task) => {
    if (task.prompt === null) return task;
    embeddedPrompts += 1;
    return { ...task, context: { ...task.context, features: embedder.embedNow(task.prompt) } };
  });
  return { ...benchmark, tasks, embeddedPrompts };
}

/** What policies are built from when they replay this source. */
export function setupOf(source: BenchSource, benchmark: Benchmark): PolicySetup {
  const known = benchmark.models.map((m) => m.id);
  const check = (what: string, named: readonly string[]) => {
    const unknown = named.filter((id) => !known.includes(id));
    if (unknown.length === 0) return;
    throw new AcrError(
      'ACR_UNKNOWN_MODEL',
      `${what} names ${unknown.join(', ')}, which has no results here. There are: ${known.join(', ')}.`,
    );
  };
  check('The chain', source.chain ?? []);
  check('--strongest', source.strongest === undefined ? [] : [source.strongest]);
  return {
    models: benchmark.models,
    prior: readPrior(source.prior),
    strongest: source.strongest ?? dearestModel(benchmark.models),
    ...(source.chain ? { chain: source.chain } : {}),
    ...(source.exploration === undefined ? {} : { exploration: source.exploration }),
  };
}

/** `published` → the shipped table, `none` → null, else a JSON file. */
export function readPrior(name: string): Prior | null {
  if (name === 'none') return null;
  if (name === 'published') return PUBLISHED_PRIOR;
  try {
    return parsePrior(JSON.parse(readFileSync(name, 'utf8')), name);
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `The prior ${name} could not be read. Use "published", "none" or a JSON file of the shape in docs/routing.md.`,
      { cause },
    );
  }
}
