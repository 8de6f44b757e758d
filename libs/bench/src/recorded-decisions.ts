import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { PoolModel } from '@acrouter/domain/task';
import type { BenchmarkTask, RecordedDecisions } from './benchmark';
import type { JsonLine } from './input-files';
import { readNumberedLines } from './input-files';

/** The rows that decisions are about. */
export interface DecidedRows {
  tasks: ReadonlyMap<string, BenchmarkTask>;
  models: readonly Pick<PoolModel, 'id'>[];
}

/** Decisions, and a sentence per file and reason on the lines of it that were left out. */
export interface ReadDecisions {
  recorded: RecordedDecisions[];
  notes: string[];
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Lines that were left out, by reason, with the first one's number. */
class LeftOut {
  private readonly reasons = new Map<string, { lines: number; first: number }>();

  constructor(private readonly file: string) {}

  add(line: JsonLine, reason: string): void {
    const entry = this.reasons.get(reason);
    if (entry) entry.lines += 1;
    else this.reasons.set(reason, { lines: 1, first: line.number });
  }

  notes(): string[] {
    return [...this.reasons].map(([reason, { lines, first }]) => {
      const count = lines === 1 ? '1 line' : `${lines} lines`;
      return `${basename(this.file)}: ${count} left out, the first is line ${first}: ${reason}.`;
    });
  }
}

/** Whether every model of a chain has a result on the task. */
function hasResults({ tasks, models }: DecidedRows, id: string, chain: readonly string[]): boolean {
  const cells = tasks.get(id)?.cells ?? [];
  return chain.every((model) => cells[models.findIndex((m) => m.id === model)]);
}

/**
 * Decisions published for at least one of these tasks; a chain is `chain_run`, a single choice a chain of one.
 * Tasks that are not among the rows are passed over: half of the rows has decisions for all.
 */
export function readPublished(directory: string, rows: DecidedRows): ReadDecisions {
  const folder = join(directory, 'published_decisions');
  if (!existsSync(folder))
    return { recorded: [], notes: [`${folder} is not there: nothing published is compared.`] };
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  const read = files.map((name) => publishedFile(join(folder, name), rows));
  return {
    recorded: read.map((r) => r.recorded).filter((recorded) => recorded.byTask.size > 0),
    notes: read.flatMap((r) => r.notes),
  };
}

function publishedFile(file: string, rows: DecidedRows): { recorded: RecordedDecisions; notes: string[] } {
  const byTask = new Map<string, string[]>();
  const leftOut = new LeftOut(file);
  for (const line of readNumberedLines(file)) {
    const id = text(line.value['task_id']);
    const given = line.value['chain_run'] ?? [line.value['chosen_model']];
    const chain = Array.isArray(given) ? given.map(text) : [];
    if (id === null || chain.length === 0 || !chain.every((model) => model !== null))
      leftOut.add(line, 'it needs "task_id", and "chosen_model" or "chain_run"');
    else if (!rows.tasks.has(id)) continue;
    else if (byTask.has(id)) leftOut.add(line, 'an earlier line decides on the same task');
    else if (!hasResults(rows, id, chain)) leftOut.add(line, 'its model has no result on its task');
    else byTask.set(id, chain);
  }
  return { recorded: { name: `published:${basename(file, '.jsonl')}`, byTask }, notes: leftOut.notes() };
}

/**
 * What the product decided (`decisions.jsonl` of an export): models in the order of their attempts, as far as they
 * have a result on the task; each once.
 * @throws AcrError ACR_CONFIG_INVALID for a line that is no decision
 */
export function readLogged(file: string, rows: DecidedRows): ReadDecisions {
  const chains = new Map<string, { attempt: number; model: string }[]>();
  const leftOut = new LeftOut(file);
  for (const line of readNumberedLines(file)) {
    const { taskId, attempt, model } = line.value;
    const id = text(taskId);
    if (id === null || typeof attempt !== 'number' || typeof model !== 'string')
      throw new AcrError(
        'ACR_CONFIG_INVALID',
        `${basename(file)}:${line.number}: a decision needs "taskId", "attempt" (a number) and "model". ` +
          `The line is ${JSON.stringify(line.value).slice(0, 160)}`,
      );
    if (!rows.tasks.has(id)) leftOut.add(line, 'the tasks file has no such task');
    else if (!hasResults(rows, id, [model])) leftOut.add(line, 'its model has no result on its task');
    else {
      const chain = chains.get(id) ?? [];
      if (!chain.some((a) => a.model === model)) chains.set(id, [...chain, { attempt, model }]);
    }
  }
  const byTask = new Map(
    [...chains].map(([id, chain]) => [
      id,
      chain.toSorted((a, b) => a.attempt - b.attempt).map((a) => a.model),
    ]),
  );
  const name = `logged:${basename(file, '.jsonl')}`;
  const notes = leftOut.notes();
  if (byTask.size === 0) notes.push(`${name} says nothing of these tasks, and is not in the table.`);
  return { recorded: byTask.size === 0 ? [] : [{ name, byTask }], notes };
}
