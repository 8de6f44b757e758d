import { basename } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { PoolModel } from '@acrouter/domain/task';
import { DIMENSIONS, isDimension } from '@acrouter/domain/task';
import type { Benchmark, BenchmarkTask } from './benchmark';
import type { JsonLine } from './input-files';
import { readNumberedLines, readText } from './input-files';
import { readLogged } from './recorded-decisions';

/** Where a user's own benchmark lies; `results` has one line per (task, model). */
export interface UserFiles {
  /** `{"id", "dimension"?, "language"?, "source"?, "difficulty"?, "prompt"?}` per line. */
  tasks: string;
  /** `{"taskId" | "task_id", "model", "score", "costUsd" | "cost_usd": number | null}` per line. */
  results: string;
  /** Optional JSON: `{"models": [{"id", "inputPerMillion", "outputPerMillion"}]}`; default: from the known costs. */
  models?: string;
  /** Optional `{"taskId", "attempt", "model"}` per line: what was decided then, shown as `logged:<file name>`. */
  decisions?: string;
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/**
 * Reads a user's own tasks and results; also what `acr bench export` writes from the product's history.
 * @throws AcrError ACR_CONFIG_INVALID naming the file and line that is wrong.
 */
export function readUserData(files: UserFiles): Benchmark {
  const tasks = new Map<string, BenchmarkTask>();
  for (const line of readNumberedLines(files.tasks)) {
    const task = taskOf(line, files.tasks);
    if (tasks.has(task.id)) throw wrong(files.tasks, line, `the task "${task.id}" is there twice`);
    tasks.set(task.id, task);
  }
  const results = readNumberedLines(files.results).map((line) => resultOf(line, tasks, files.results));
  const ids = [...new Set(results.map((r) => r.model))].sort();
  if (ids.length === 0) throw new AcrError('ACR_CONFIG_INVALID', `${files.results} has no results.`);
  const models = withPrices(ids, files.models, results);
  for (const task of tasks.values()) task.cells = models.map(() => null);
  for (const { taskId, model, score, costUsd, line } of results) {
    const cells = tasks.get(taskId)?.cells ?? [];
    const m = ids.indexOf(model);
    if (cells[m]) throw wrong(files.results, line, `${model} has a second result on "${taskId}"`);
    cells[m] = { score, costUsd };
  }
  return {
    name: `${basename(files.tasks)} (${tasks.size} tasks)`,
    models,
    tasks: [...tasks.values()].filter((task) => task.cells.some((cell) => cell !== null)),
    ...(files.decisions ? readLogged(files.decisions, { tasks, models }) : { recorded: [], notes: [] }),
    unknownCostCells: results.filter((r) => r.costUsd === null).length,
  };
}

const wrong = (file: string, line: JsonLine, what: string) =>
  new AcrError(
    'ACR_CONFIG_INVALID',
    `${basename(file)}:${line.number}: ${what}. The line is ${JSON.stringify(line.value).slice(0, 160)}`,
  );

function taskOf(line: JsonLine, file: string): BenchmarkTask {
  const { value } = line;
  const id = text(value['id']) ?? text(value['task_id']);
  if (id === null) throw wrong(file, line, 'a task needs an "id"');
  const dimension = value['dimension'] ?? 'code_generation';
  if (!isDimension(dimension)) throw wrong(file, line, `"dimension" must be one of ${DIMENSIONS.join(', ')}`);
  return {
    id,
    prompt: text(value['prompt']),
    cells: [],
    context: {
      dimension,
      language: text(value['language']) ?? 'unknown',
      source: text(value['source']),
      difficulty: text(value['difficulty']),
      features: null,
    },
  };
}

interface Result {
  taskId: string;
  model: string;
  score: number;
  costUsd: number | null;
  line: JsonLine;
}

function resultOf(line: JsonLine, tasks: ReadonlyMap<string, unknown>, file: string): Result {
  const { value } = line;
  const taskId = text(value['taskId']) ?? text(value['task_id']);
  const model = text(value['model']);
  const score = value['score'];
  const costUsd = value['costUsd'] ?? value['cost_usd'] ?? null;
  if (taskId === null) throw wrong(file, line, 'a result needs a "taskId"');
  if (!tasks.has(taskId)) throw wrong(file, line, `the tasks file has no task "${taskId}"`);
  if (model === null) throw wrong(file, line, 'a result needs a "model"');
  if (typeof score !== 'number' || score < 0 || score > 1)
    throw wrong(file, line, '"score" must be a number from 0 to 1');
  if (costUsd !== null && (typeof costUsd !== 'number' || costUsd < 0))
    throw wrong(file, line, '"costUsd" must be a number of at least 0, or null where it is unknown');
  return { taskId, model, score, costUsd, line };
}

interface Prices {
  models: { id: string; inputPerMillion: number; outputPerMillion: number }[];
}

function readPrices(file: string): Prices['models'] {
  try {
    const { models } = JSON.parse(readText(file)) as Prices;
    const isPrice = (n: unknown) => typeof n === 'number' && n >= 0;
    if (models.every((m) => m.id && isPrice(m.inputPerMillion) && isPrice(m.outputPerMillion))) return models;
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `${file} cannot be read as prices: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  throw new AcrError(
    'ACR_CONFIG_INVALID',
    `${file} must read {"models": [{"id": …, "inputPerMillion": …, "outputPerMillion": …}]}, in USD.`,
  );
}

function withPrices(
  ids: readonly string[],
  file: string | undefined,
  results: readonly Result[],
): PoolModel[] {
  const listed = file ? readPrices(file) : [];
  return ids.map((id) => {
    const found = listed.find((m) => m.id === id);
    const known = results.filter((r) => r.model === id && r.costUsd !== null);
    const mean = known.reduce((sum, r) => sum + (r.costUsd ?? 0), 0) / Math.max(known.length, 1);
    // Without prices: such that a typical attempt (300 tokens in and out) costs the observed mean.
    const perMillion = (mean * 1e6) / 600;
    return {
      id,
      simulated: false,
      price: found
        ? { inputPerMillion: found.inputPerMillion, outputPerMillion: found.outputPerMillion }
        : { inputPerMillion: perMillion, outputPerMillion: perMillion },
    };
  });
}
