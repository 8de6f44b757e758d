import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { TaskContext } from '@acrouter/domain/routing/policy';
import type { PoolModel } from '@acrouter/domain/task';
import { isDimension } from '@acrouter/domain/task';
import { parse } from 'csv-parse/sync';
import type { Benchmark, BenchmarkTask, Cell, RecordedDecisions } from './benchmark';

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
  const benchmark: Benchmark = {
    name: `CodeRouterBench ${set.toUpperCase()} (${tasks.size} tasks)`,
    models,
    tasks: [...tasks.values()],
    recorded: [],
    unknownCostCells,
  };
  benchmark.recorded = readRecorded(join(directory, 'published_decisions'), tasks);
  return benchmark;
}

type Row = Record<string, string>;

/** Key under which a row carries its place, `file:line`. */
const PLACE = '';

function readRows(file: string): Row[] {
  if (!existsSync(file)) {
    throw new AcrError('ACR_CONFIG_INVALID', `${file} is not there. Give --data the folder that holds it.`);
  }
  const options = { columns: true, skip_empty_lines: true, bom: true, info: true } as const;
  try {
    const read = parse(readFileSync(file), options) as unknown as { record: Row; info: { lines: number } }[];
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

interface ModelsFile {
  models: { model: string; input_per_1m: number; output_per_1m: number }[];
}

function readModels(file: string, rows: readonly Row[]): PoolModel[] {
  const listed = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ModelsFile).models : [];
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

/** One line of a JSONL file, counted from 1. */
export interface JsonLine {
  number: number;
  value: Record<string, unknown>;
}

/** Lines of a JSONL file, empty ones left out. @throws AcrError ACR_CONFIG_INVALID naming the line that is broken. */
export function readNumberedLines(file: string): JsonLine[] {
  if (!existsSync(file)) throw new AcrError('ACR_CONFIG_INVALID', `${file} is not there.`);
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const value = objectOf(line);
      if (value === null)
        throw new AcrError('ACR_CONFIG_INVALID', `${basename(file)}:${i + 1} is not a JSON object.`);
      return [{ number: i + 1, value }];
    });
}

function objectOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The same without the numbers of the lines. */
export function readJsonLines(file: string): Record<string, unknown>[] {
  return readNumberedLines(file).map((line) => line.value);
}

/** Decisions published for at least one of these tasks; a chain is `chain_run`, a single choice a chain of one. */
function readRecorded(directory: string, tasks: ReadonlyMap<string, BenchmarkTask>): RecordedDecisions[] {
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  return files
    .map((file) => {
      const byTask = new Map<string, string[]>();
      for (const line of readJsonLines(join(directory, file))) {
        const id = String(line['task_id']);
        const chain = line['chain_run'] ?? [line['chosen_model']];
        if (tasks.has(id)) byTask.set(id, (chain as unknown[]).map(String));
      }
      return { name: `published:${basename(file, '.jsonl')}`, byTask };
    })
    .filter((recorded) => recorded.byTask.size > 0);
}
