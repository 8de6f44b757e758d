import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { TaskContext } from '@acrouter/domain/routing/policy';
import type { PoolModel } from '@acrouter/domain/task';
import { isDimension } from '@acrouter/domain/task';
import { parse } from 'csv-parse/sync';
import type { Benchmark, BenchmarkTask, Cell } from './benchmark';
import { readJsonLines, readText } from './input-files';
import { readPublished } from './recorded-decisions';

/** In-distribution (9 dimensions, no prompts) or out-of-distribution (agentic tasks, with prompts). */
export type BenchmarkSet = 'id' | 'ood';

const RESULT_FILES: Record<BenchmarkSet, string> = {
  id: 'id_results_long.csv',
  ood: 'ood176_results_long.csv',
};

/**
 * Reads CodeRouterBench as released (any half or the whole of it): `id_results_long.csv` or
 * `ood176_results_long.csv`, `models.json` (prices), `ood*_tasks.jsonl` (prompts) and `published_decisions/`.
 * source: arXiv 2606.22902, §4.
 * @throws AcrError ACR_CONFIG_INVALID when a file is missing or a row is malformed.
 */
export function readCodeRouterBench(directory: string, set: BenchmarkSet): Benchmark {
  const rows = readRows(join(directory, RESULT_FILES[set]));
  const models = readModels(join(directory, 'models.json'), rows);
  const index = new Map(models.map((m, i) => [m.id, i]));
  const prompts = set === 'ood' ? readPrompts(directory) : new Map<string, string>();
  const tasks = new Map<string, BenchmarkTask>();
  let unknownCostCells = 0;
  for (const row of rows) {
    const id = field(row, 'task_id');
    const task = tasks.get(id) ?? {
      id,
      context: contextOf(row, set),
      prompt: prompts.get(id) ?? null,
      cells: models.map(() => null),
    };
    tasks.set(id, task);
    const cell = cellOf(row, set);
    if (cell.costUsd === null) unknownCostCells += 1;
    task.cells[index.get(field(row, 'model')) ?? -1] = cell;
  }
  return {
    name: `CodeRouterBench ${set.toUpperCase()} (${tasks.size} tasks)`,
    models,
    tasks: [...tasks.values()],
    ...readPublished(directory, { tasks, models }),
    unknownCostCells,
  };
}

type Row = Record<string, string>;

/** Key under which a row carries its place, `file:line`. */
const PLACE = '';

function readRows(file: string): Row[] {
  if (!existsSync(file)) {
    throw new AcrError('ACR_CONFIG_INVALID', `${file} is not there. Give --data the folder that holds it.`);
  }
  const text = readText(file);
  const options = { columns: true, skip_empty_lines: true, bom: true, info: true } as const;
  try {
    const read = parse(text, options) as unknown as { record: Row; info: { lines: number } }[];
    return read.map(({ record, info }) => ({ ...record, [PLACE]: `${basename(file)}:${info.lines}` }));
  } catch (cause) {
    throw new AcrError('ACR_CONFIG_INVALID', `${basename(file)}: ${(cause as Error).message}.`, { cause });
  }
}

const shown = (row: Row) => Object.values(row).slice(0, 6).join(',').slice(0, 160);

function field(row: Row, name: string): string {
  const value = row[name];
  if (value === undefined || value === '') {
    throw new AcrError('ACR_CONFIG_INVALID', `${row[PLACE] ?? 'A row'} has no "${name}": ${shown(row)}`);
  }
  return value;
}

function numberField(row: Row, name: string): number {
  const value = Number(field(row, name));
  if (!Number.isFinite(value)) {
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `${row[PLACE] ?? 'A row'}: "${name}" is no number: ${shown(row)}`,
    );
  }
  return value;
}

function cellOf(row: Row, set: BenchmarkSet): Cell {
  const score = numberField(row, set === 'id' ? 'score' : 'resolved');
  return { score: Math.min(Math.max(score, 0), 1), costUsd: isCostKnown(row, set) ? usd(row) : null };
}

const usd = (row: Row) => numberField(row, 'cost_usd');

/** A call without a token record has cost 0 in the released rows; that zero means "unknown". */
function isCostKnown(row: Row, set: BenchmarkSet): boolean {
  const cost = row['cost_usd'];
  if (cost === undefined || cost === '') return false;
  if ((row['cost_source'] ?? '').startsWith('missing')) return false;
  const tokens =
    set === 'id'
      ? Number(row['input_tokens'] ?? 0) + Number(row['output_tokens'] ?? 0)
      : Number(row['in_tok'] ?? 0) + Number(row['out_tok'] ?? 0);
  return !(Number(cost) === 0 && !(tokens > 0));
}

/** Languages named in task ids of the multi-language sources; everything else is judged by its dimension. */
const LANGUAGE_CODES: Record<string, string> = {
  cpp: 'cpp',
  java: 'java',
  go: 'go',
  js: 'javascript',
  python: 'python',
  rs: 'rust',
  ts: 'typescript',
};

/**
 * Metadata of a row. ID task ids read `dim<N>_<source>_<rest>`: the second part is the source set, and the
 * rest may name a language (`hex_cpp`) or a contest (`abc364_c`: AtCoder Beginner Contest).
 */
export function contextOf(row: Row, set: BenchmarkSet): TaskContext {
  const dimension = field(row, 'dimension');
  if (!isDimension(dimension)) {
    throw new AcrError(
      'ACR_CONFIG_INVALID',
      `${row[PLACE] ?? 'A row'}: "${dimension}" is no dimension: ${shown(row)}`,
    );
  }
  const base = { dimension, features: null };
  if (set === 'ood') {
    return { ...base, language: 'python', source: row['bench'] ?? null, difficulty: null };
  }
  const [prefix, source, ...rest] = field(row, 'task_id').split('_');
  if (!/^dim\d+$/.test(prefix ?? '') || !source) {
    return { ...base, language: 'unknown', source: null, difficulty: null };
  }
  const language = LANGUAGE_CODES[rest[0] ?? ''];
  const contest = rest.map((part) => /^(abc|arc|agc)\d+$/.exec(part)?.[1]).find((c) => c !== undefined);
  return { ...base, source, language: language ?? 'unknown', difficulty: contest ?? null };
}

interface ListedModel {
  model: string;
  input_per_1m: number;
  output_per_1m: number;
}

const MODELS_SHAPE = '{"models": [{"model", "input_per_1m", "output_per_1m"}]}, in USD per million tokens';

/** Prices as released. @throws AcrError ACR_CONFIG_INVALID when the file is missing or of another shape */
function listedModels(file: string): ListedModel[] {
  if (!existsSync(file))
    throw new AcrError('ACR_CONFIG_INVALID', `${file} is not there. It gives the prices: ${MODELS_SHAPE}.`);
  try {
    const { models } = JSON.parse(readText(file)) as { models: ListedModel[] };
    const isPrice = (n: unknown) => typeof n === 'number' && n >= 0;
    if (models.every((m) => m.model && isPrice(m.input_per_1m) && isPrice(m.output_per_1m))) return models;
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    throw new AcrError('ACR_CONFIG_INVALID', `${file} must read ${MODELS_SHAPE}.`, { cause });
  }
  throw new AcrError('ACR_CONFIG_INVALID', `${file} must read ${MODELS_SHAPE}.`);
}

function readModels(file: string, rows: readonly Row[]): PoolModel[] {
  const listed = listedModels(file);
  const seen = new Set(rows.map((row) => field(row, 'model')));
  const unpriced = [...seen].filter((id) => !listed.some((m) => m.model === id));
  if (unpriced.length > 0) {
    throw new AcrError('ACR_CONFIG_INVALID', `models.json has no price of ${unpriced.join(', ')}.`);
  }
  return listed
    .filter((m) => seen.has(m.model))
    .map((m) => ({
      id: m.model,
      price: { inputPerMillion: m.input_per_1m, outputPerMillion: m.output_per_1m },
      simulated: false,
    }));
}

function readPrompts(directory: string): Map<string, string> {
  const file = readdirSync(directory).find((name) => /^ood\d*_tasks\.jsonl$/.test(name));
  const lines = file ? readJsonLines(join(directory, file)) : [];
  return new Map(lines.map((line) => [String(line['task_id']), String(line['prompt'] ?? '')]));
}
