import { createWriteStream, existsSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError } from '@acrouter/domain/errors';

/** One settled task of the product's history, as far as an export tells of it. */
export interface ExportedTask {
  id: string;
  externalId: string | null;
  prompt: string | null;
  dimension: string;
  language: string;
  source: string | null;
  outcome: string;
  score: number | null;
  costUsd: number | null;
  costWeight: number;
  maxAttempts: number;
  acceptedAt: Date;
  settledAt: Date;
  attempts: readonly {
    attempt: number;
    model: string;
    score: number | null;
    costUsd: number | null;
    latencyMs: number | null;
    simulated: boolean;
  }[];
  decisions: readonly { turn: number; attempt: number; model: string }[];
}

/** What was written. */
export interface ExportSummary {
  tasks: number;
  /** First judged attempts of each model on each task. */
  results: number;
  /** Results whose cost is unknown (`null` in the file, never 0). */
  unknownCosts: number;
  /** Attempts without a verdict, or by a model that had been asked before: in the decisions only. */
  otherAttempts: number;
  decisions: number;
}

interface Prices {
  model: string;
  price: { inputPerMillion: number; outputPerMillion: number };
}

/**
 * Writes a history as `tasks.jsonl`, `results.jsonl`, `decisions.jsonl`, `prices.json` and `export.json` into
 * `directory`, which appears only when all of it is complete. Holds one page in memory.
 * @throws AcrError ACR_INVALID_REQUEST when the directory is there and not empty
 */
export async function writeHistory(
  directory: string,
  pages: AsyncIterable<readonly ExportedTask[]>,
  about: { prices: readonly Prices[]; tenant: string; since: string | null; withPrompts: boolean },
): Promise<ExportSummary> {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${directory} is not empty. Give a folder that is not there yet.`,
    );
  const partial = join(dirname(directory), `.${basename(directory)}.partial`);
  rmSync(partial, { recursive: true, force: true });
  makeFolder(partial);
  try {
    const summary = await writeInto(partial, pages, about);
    if (existsSync(directory)) rmdirSync(directory);
    renameSync(partial, directory);
    return summary;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

async function writeInto(
  folder: string,
  pages: AsyncIterable<readonly ExportedTask[]>,
  about: Parameters<typeof writeHistory>[2],
): Promise<ExportSummary> {
  const summary: ExportSummary = { tasks: 0, results: 0, unknownCosts: 0, otherAttempts: 0, decisions: 0 };
  const files = ['tasks', 'results', 'decisions'].map((name) => new LineFile(join(folder, `${name}.jsonl`)));
  const [tasks, results, decisions] = files as [LineFile, LineFile, LineFile];
  try {
    for await (const page of pages) {
      await tasks.write(page.map(taskLine));
      await results.write(page.flatMap((task) => resultLines(task, summary)));
      await decisions.write(page.flatMap((task) => decisionLines(task)));
      summary.tasks += page.length;
      summary.decisions += page.reduce((sum, task) => sum + task.decisions.length, 0);
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
  const models = about.prices.map(({ model, price }) => ({
    id: model,
    inputPerMillion: price.inputPerMillion,
    outputPerMillion: price.outputPerMillion,
  }));
  await writeWhole(join(folder, 'prices.json'), { models });
  const { tenant, since, withPrompts } = about;
  await writeWhole(join(folder, 'export.json'), {
    format: 1,
    tenant,
    since,
    withPrompts,
    ...summary,
  });
  return summary;
}

function taskLine({ attempts: _a, decisions: _d, prompt, ...task }: ExportedTask): object {
  return prompt === null ? task : { ...task, prompt };
}

function resultLines(task: ExportedTask, summary: ExportSummary): object[] {
  const seen = new Set<string>();
  const lines = task.attempts.flatMap(({ model, score, costUsd, latencyMs, simulated, attempt }) => {
    if (score === null || seen.has(model)) return [];
    seen.add(model);
    if (costUsd === null) summary.unknownCosts += 1;
    return [
      { taskId: task.id, model, score, costUsd, latencyMs, attempt, ...(simulated ? { simulated } : {}) },
    ];
  });
  summary.results += lines.length;
  summary.otherAttempts += task.attempts.length - lines.length;
  return lines;
}

function decisionLines(task: ExportedTask): object[] {
  const attempts = new Map(task.attempts.map((a) => [a.attempt, a]));
  return task.decisions.map((decision) => ({
    taskId: task.id,
    ...decision,
    score: attempts.get(decision.attempt)?.score ?? null,
    costUsd: attempts.get(decision.attempt)?.costUsd ?? null,
    costWeight: task.costWeight,
  }));
}

/** A file of JSON lines that is written no faster than the disk takes it. */
class LineFile {
  private readonly stream;

  constructor(path: string) {
    this.stream = createWriteStream(path, { mode: 0o600 });
    // A disk that is full is told by `finished`, in `write` or `close`.
    this.stream.on('error', () => undefined);
  }

  async write(lines: readonly object[]): Promise<void> {
    if (lines.length === 0) return;
    const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
    await new Promise<void>((resolve, reject) =>
      this.stream.write(text, (error) => (error ? reject(error) : resolve())),
    );
  }

  async close(): Promise<void> {
    this.stream.end();
    await finished(this.stream);
  }
}

async function writeWhole(path: string, value: object): Promise<void> {
  const file = new LineFile(path);
  await file.write([value]);
  await file.close();
}
