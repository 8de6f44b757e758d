import { join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { Benchmark, BenchmarkTask } from './benchmark';
import { readJsonLines } from './input-files';

/** One prompt with what is known of it, as far as retrieval is judged by it. */
export interface CorpusItem {
  id: string;
  prompt: string;
  /** Tasks of one pool were answered by the same models; only their results can be compared. */
  pool: string;
  /** Data set; `null` = not known. */
  set: string | null;
  /** Repository, where the task's id names one (`owner__repository-…`); else as `set`. */
  source: string | null;
  /** Model → mean score in [0, 1]. */
  scores: ReadonlyMap<string, number>;
  /** Models with the best score of this task. */
  best: ReadonlySet<string>;
  /** The one of `best` that a router would take; `null` where all models scored alike: nothing is to be learnt. */
  choice: string | null;
}

/** The prompts of a benchmark with the results of its models; tasks without a prompt or a result are left out. */
export function corpusOf(benchmark: Benchmark): CorpusItem[] {
  const preferred = preference(benchmark);
  return benchmark.tasks.flatMap((task): CorpusItem[] => {
    const scores = new Map(
      benchmark.models.flatMap(({ id }, m): [string, number][] => {
        const cell = task.cells[m];
        return cell ? [[id, cell.score]] : [];
      }),
    );
    if (task.prompt === null || scores.size === 0) return [];
    const top = Math.max(...scores.values());
    const best = new Set([...scores].filter(([, score]) => score === top).map(([model]) => model));
    return [
      {
        id: task.id,
        prompt: task.prompt,
        pool: benchmark.name,
        set: task.context.source,
        source: sourceOf(task),
        scores,
        best,
        choice: best.size === scores.size ? null : (preferred.find((model) => best.has(model)) ?? null),
      },
    ];
  });
}

/** `old112::astropy__astropy-13033` comes from the repository astropy of its data set. */
function sourceOf({ id, context }: BenchmarkTask): string | null {
  const repository = /(?:^|::)([\w.-]+?)__/.exec(id)?.[1];
  return repository ? `${context.source ?? ''}/${repository}` : context.source;
}

/** Models from the one to take first among equals: cheapest by known costs; without any, most often right. */
function preference(benchmark: Benchmark): string[] {
  const rank = benchmark.models.map(({ id }, m) => {
    const cells = benchmark.tasks.flatMap((task) => task.cells[m] ?? []);
    const known = cells.flatMap((cell) => cell.costUsd ?? []);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    return {
      id,
      usd: known.length > 0 ? mean(known) : null,
      score: cells.length > 0 ? mean(cells.map((c) => c.score)) : 0,
    };
  });
  const byCost = rank.every((r) => r.usd !== null);
  return rank.sort((a, b) => (byCost ? (a.usd ?? 0) - (b.usd ?? 0) : b.score - a.score)).map((r) => r.id);
}

/**
 * Reads HumanEval with recorded verdicts: `tasks.jsonl` ({task_id, prompt}) and `generations.jsonl`
 * ({task_id, model, recorded_passed}, several per task and model). A score is the share of passes; no cost is known.
 * @throws AcrError ACR_CONFIG_INVALID when a file is missing or a line is wrong.
 */
export function readHumanEval(directory: string): Benchmark {
  const passes = new Map<string, number[]>();
  const names = new Set<string>();
  readJsonLines(join(directory, 'generations.jsonl')).forEach((line, i) => {
    const { task_id: id, model, recorded_passed: passed } = line;
    if (typeof id !== 'string' || typeof model !== 'string' || typeof passed !== 'boolean') {
      throw new AcrError(
        'ACR_CONFIG_INVALID',
        `generations.jsonl: line ${i + 1} needs "task_id", "model" and "recorded_passed" (true or false).`,
      );
    }
    names.add(model);
    const key = `${id}\u0000${model}`;
    passes.set(key, [...(passes.get(key) ?? []), passed ? 1 : 0]);
  });
  const models = [...names].sort();
  const tasks = readJsonLines(join(directory, 'tasks.jsonl')).map((line): BenchmarkTask => {
    const id = String(line['task_id']);
    return {
      id,
      prompt: typeof line['prompt'] === 'string' ? line['prompt'] : null,
      context: {
        dimension: 'code_completion',
        language: 'python',
        source: 'humaneval',
        difficulty: null,
        features: null,
      },
      cells: models.map((model) => {
        const seen = passes.get(`${id}\u0000${model}`);
        return seen ? { score: seen.reduce((a, b) => a + b, 0) / seen.length, costUsd: null } : null;
      }),
    };
  });
  return {
    name: `HumanEval (${tasks.length} tasks)`,
    models: models.map((id) => ({
      id,
      simulated: false,
      price: { inputPerMillion: 0, outputPerMillion: 0 },
    })),
    tasks,
    recorded: [],
    unknownCostCells: tasks.length * models.length,
  };
}
