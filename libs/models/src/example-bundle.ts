import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import { isDimension } from '@acrouter/domain/task';
import type { Dimension } from '@acrouter/domain/task';

/** The bundled examples: `tasks/*.jsonl` (task files) and `answers.jsonl`, seen by the simulated pool and tests only. */
export const EXAMPLES_DIR = join(__dirname, '..', '..', '..', 'examples');

/** A bundled task with programs that pass and fail its checks. */
export interface ExampleTask {
  id: string;
  prompt: string;
  dimension: Dimension;
  language: string;
  correct: string;
  /** At least one; wrong in different ways. */
  wrong: readonly string[];
}

/**
 * Reads the examples.
 * @throws AcrError ACR_CONFIG_INVALID when a file is missing, or a task has no answers.
 */
export function readExampleBundle(dir: string = EXAMPLES_DIR): ExampleTask[] {
  try {
    const answers = new Map(jsonLines(join(dir, 'answers.jsonl')).map((line) => [String(line['id']), line]));
    const files = readdirSync(join(dir, 'tasks'))
      .filter((f) => f.endsWith('.jsonl'))
      .sort();
    return files.flatMap((f) => jsonLines(join(dir, 'tasks', f))).map((task) => exampleTask(task, answers));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `The example tasks in ${dir} cannot be read (${reason}). The simulated pool needs them: restore the folder from the repository, or name real models in models.yaml.`,
      { cause },
    );
  }
}

type Json = Record<string, unknown>;

const jsonLines = (file: string): Json[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);

function exampleTask(task: Json, answers: ReadonlyMap<string, Json>): ExampleTask {
  const id = String(task['id']);
  const { correct, wrong } = answers.get(id) ?? {};
  const { prompt, dimension, language } = task;
  if (typeof prompt !== 'string' || !isDimension(dimension) || typeof language !== 'string')
    throw new Error(`task "${id}" lacks prompt, dimension or language`);
  if (typeof correct !== 'string' || !Array.isArray(wrong) || wrong.length === 0)
    throw new Error(`task "${id}" has no answers`);
  return { id, prompt, dimension, language, correct, wrong: wrong.map(String) };
}
