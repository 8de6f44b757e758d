import { readFileSync } from 'node:fs';
import { AcrError } from '@acrouter/domain/errors';
import type { PoolModel } from '@acrouter/domain/task';
import { isDimension } from '@acrouter/domain/task';
import type { Benchmark, BenchmarkTask } from './benchmark';
import { readJsonLines } from './coderouterbench';

/** Where a user's own benchmark lies; `results` has one line per (task, model). */
export interface UserFiles {
  /** `{"id", "dimension"?, "language"?, "source"?, "difficulty"?, "prompt"?}` per line. */
  tasks: string;
  /** `{"task_id" | "taskId", "model", "score", "costUsd" | "cost_usd": number | null}` per line. */
  results: string;
  /** Optional JSON: `{"models": [{"id", "inputPerMillion", "outputPerMillion"}]}`; default: prices unknown (0). */
  models?: string;
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/**
 * Reads a user's own tasks and results; also what `acr bench export` writes from the product's history.
 * Without prices the dearest model is unknown, so "strongest" is then the one with the highest mean cost.
 * @throws AcrError ACR_CONFIG_INVALID naming the line that is wrong.
 */
export function readUserData(files: UserFiles): Benchmark {
  const tasks = new Map<string, BenchmarkTask>();
  for (const line of readJsonLines(files.tasks)) {
    const task = taskOf(line);
    tasks.set(task.id, task);
  }
  const results = readJsonLines(files.results).map((line) => resultOf(line, tasks));
  const ids = [...new Set(results.map((r) => r.model))].sort();
  const models = withPrices(ids, files.models, results);
  for (const task of tasks.values()) task.cells = models.map(() => null);
  for (const { taskId, model, score, costUsd } of results) {
    const task = tasks.get(taskId);
    if (task) task.cells[ids.indexOf(model)] = { score, costUsd };
  }
  return {
    name: `${files.tasks} (${tasks.size} tasks)`,
    models,
    tasks: [...tasks.values()].filter((task) => task.cells.some((cell) => cell !== null)),
    recorded: [],
    unknownCostCells: results.filter((r) => r.costUsd === null).length,
  };
}

function taskOf(line: Record<string, unknown>): BenchmarkTask {
  const id = text(line['id']) ?? text(line['task_id']);
  if (id === null) {
    throw new AcrError('ACR_CONFIG_INVALID', `A task has no "id": ${JSON.stringify(line).slice(0, 200)}`);
  }
  const dimension = line['dimension'];
  return {
    id,
    prompt: text(line['prompt']),
    cells: [],
    context: {
      dimension: isDimension(dimension) ? dimension : 'code_generation',
      language: text(line['language']) ?? 'unknown',
      source: text(line['source']),
      difficulty: text(line['difficulty']),
      features: null,
    },
  };
}

interface Result {
  taskId: string;
  model: string;
  score: number;
  costUsd: number | null;
}

function resultOf(line: Record<string, unknown>, tasks: ReadonlyMap<string, unknown>): Result {
  const taskId = text(line['taskId']) ?? text(line['task_id']);
  const model = text(line['model']);
  const score = line['score'];
  const cost = line['costUsd'] ?? line['cost_usd'] ?? null;
  const isCost = cost === null || (typeof cost === 'number' && cost >= 0);
  if (!taskId || !tasks.has(taskId) || !model || typeof score !== 'number' || !isCost) {
    const shown = JSON.stringify(line).slice(0, 200);
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `A result needs "taskId" (of a task in the tasks file), "model", "score" and "costUsd" (or null): ${shown}`,
    );
  }
  return { taskId, model, score: Math.min(Math.max(score, 0), 1), costUsd: cost };
}

function withPrices(
  ids: readonly string[],
  file: string | undefined,
  results: readonly Result[],
): PoolModel[] {
  const listed = file
    ? (
        JSON.parse(readFileSync(file, 'utf8')) as {
          models: { id: string; inputPerMillion: number; outputPerMillion: number }[];
        }
      ).models
    : [];
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
