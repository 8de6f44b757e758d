import type { TaskContext, Prior } from '@acrouter/domain/routing/policy';
import type { PoolModel } from '@acrouter/domain/task';

/** What one model did on one task. */
export interface Cell {
  /** Verified score in [0, 1]. */
  score: number;
  /** USD, or `null` when the call left no token record. */
  costUsd: number | null;
}

/** One task with the result of every model that was run on it. */
export interface BenchmarkTask {
  id: string;
  context: TaskContext;
  /** Prompt text where the data has one; else `null`. */
  prompt: string | null;
  /** Indexed like `Benchmark.models`; `null` = this model was not run on this task. */
  cells: (Cell | null)[];
}

/** What another router chose for each task: the attempts it made, in order; the last one is its answer. */
export interface RecordedDecisions {
  /** `published:<file name without .jsonl>`, or `logged:<…>` for the product's own. */
  name: string;
  byTask: Map<string, string[]>;
}

/** Tasks, results and recorded decisions, ready for replay. */
export interface Benchmark {
  /** Shown in tables, e.g. "CodeRouterBench ID". */
  name: string;
  models: PoolModel[];
  tasks: BenchmarkTask[];
  recorded: RecordedDecisions[];
  /** What a reader of the figures must know: lines that were left out, files that are not there. Default none. */
  notes?: string[];
  /** Cells whose cost is unknown; they are never taken as free. */
  unknownCostCells: number;
  /** Tasks whose neighbours are found by their embedded prompt; the others' by metadata. Default 0. */
  embeddedPrompts?: number;
}

/** Model called strongest when nobody names one: the dearest per output token (first one wins ties). */
export function dearestModel(models: readonly PoolModel[]): string {
  let best = models[0];
  for (const model of models) {
    if (best && priceSum(model) > priceSum(best)) best = model;
  }
  return best?.id ?? '';
}

const priceSum = (model: PoolModel) => model.price.inputPerMillion + model.price.outputPerMillion;

/**
 * What unknown costs count in regret: the model's mean known cost on the same source, else on the same
 * dimension, else over everything, else the dearest known mean of all models. Dollar sums leave them out.
 */
export function imputedCosts(benchmark: Benchmark): Float64Array[] {
  const means = new Map<string, { n: number; usd: number }>();
  const add = (key: string, usd: number) => {
    const sum = means.get(key) ?? { n: 0, usd: 0 };
    means.set(key, { n: sum.n + 1, usd: sum.usd + usd });
  };
  for (const task of benchmark.tasks) {
    task.cells.forEach((cell, m) => {
      const usd = cell?.costUsd ?? null;
      if (usd !== null) for (const key of costKeys(task, m)) add(key, usd);
    });
  }
  const everything = benchmark.models.map((_, m) => means.get(`${m}`)).filter((s) => s !== undefined);
  const dearest = everything.reduce((max, s) => Math.max(max, s.usd / s.n), 0);
  return benchmark.tasks.map((task) =>
    Float64Array.from(benchmark.models, (_, m) => {
      const known = costKeys(task, m)
        .map((key) => means.get(key))
        .find((s) => s !== undefined);
      return task.cells[m]?.costUsd ?? (known ? known.usd / known.n : dearest);
    }),
  );
}

function costKeys(task: BenchmarkTask, model: number): string[] {
  const { dimension, source } = task.context;
  return [`${model}:${dimension}:${source ?? ''}`, `${model}:${dimension}`, `${model}`];
}

/** A prior made of a benchmark's own rows: mean score and known cost by dimension and model. */
export function priorOf(benchmark: Benchmark): Prior {
  const sums = new Map<string, { n: number; score: number; costed: number; usd: number }>();
  for (const task of benchmark.tasks) {
    task.cells.forEach((cell, m) => {
      if (!cell) return;
      const key = `${task.context.dimension}\u0000${benchmark.models[m]?.id ?? ''}`;
      const sum = sums.get(key) ?? { n: 0, score: 0, costed: 0, usd: 0 };
      sums.set(key, {
        n: sum.n + 1,
        score: sum.score + cell.score,
        costed: sum.costed + (cell.costUsd === null ? 0 : 1),
        usd: sum.usd + (cell.costUsd ?? 0),
      });
    });
  }
  const prior: Prior = { source: benchmark.name, score: {}, costUsd: {} };
  for (const [key, sum] of sums) {
    const [dimension, model] = key.split('\u0000') as [keyof Prior['score'], string];
    (prior.score[dimension] ??= {})[model] = sum.score / sum.n;
    if (sum.costed > 0 && prior.costUsd) (prior.costUsd[dimension] ??= {})[model] = sum.usd / sum.costed;
  }
  return prior;
}
