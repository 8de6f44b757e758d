import type { ExportSummary } from '@acrouter/bench/export-history';
import { writeHistory } from '@acrouter/bench/export-history';
import { readHistory, readLastPrices } from '@acrouter/db/history-reads';
import { AcrError } from '@acrouter/domain/errors';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { note, print, printJson } from '../output';

interface ExportFlags extends DatabaseChoice {
  out: string;
  tenant: string;
  since?: string;
  withPrompts?: boolean;
  json?: boolean;
}

/** `acr bench export` */
export function registerExport(bench: Command): void {
  withDatabaseOptions(bench.command('export'))
    .summary('write the product’s own history as files that "bench replay" reads')
    .description(
      'Writes the settled tasks of one tenant as tasks.jsonl, results.jsonl, decisions.jsonl and prices.json.\nThe folder appears when all is written. Prompts stay out unless asked for.',
    )
    .requiredOption('--out <dir>', 'folder to write; it must not be there yet, or be empty')
    .option('--tenant <name>', 'whose history', 'default')
    .option('--since <time>', 'tasks accepted since then, e.g. 2026-11-01T00:00:00Z')
    .option('--with-prompts', 'with the prompts, for "bench retrieval" and neighbours by prompt')
    .option('--json', 'print one line of JSON')
    .action(exportHistory);
}

async function exportHistory(flags: ExportFlags): Promise<void> {
  const since = flags.since === undefined ? null : new Date(flags.since);
  if (since && Number.isNaN(since.getTime()))
    throw new AcrError('ACR_INVALID_REQUEST', `--since must be a time such as 2026-11-01T00:00:00Z.`);
  const directory = resolve(flags.out);
  const summary = await withDatabase(flags, async (db) => {
    const scope = { tenantId: flags.tenant, runId: null, since, until: null, dimension: null };
    const pages = readHistory(db, scope, { prompts: flags.withPrompts === true });
    return writeHistory(directory, counted(pages, Boolean(process.stderr.isTTY)), {
      prices: await readLastPrices(db, flags.tenant),
      tenant: flags.tenant,
      since: since?.toISOString() ?? null,
      withPrompts: flags.withPrompts === true,
    });
  });
  if (flags.json) return printJson({ directory, ...summary });
  print(view(directory, summary));
  if (summary.tasks === 0) note(`Tenant "${flags.tenant}" has no settled tasks in this time.`);
}

/** The same pages; says on a terminal how many tasks have passed. */
async function* counted<T>(pages: AsyncIterable<T[]>, isShown: boolean): AsyncGenerator<T[]> {
  let tasks = 0;
  for await (const page of pages) {
    tasks += page.length;
    if (isShown) process.stderr.write(`\r${tasks} tasks `);
    yield page;
  }
  if (isShown) process.stderr.write('\r\u001b[K');
}

function view(directory: string, s: ExportSummary): string {
  return [
    `${s.tasks} tasks, ${s.results} results (${s.unknownCosts} of unknown cost), ${s.decisions} decisions → ${directory}`,
    ...(s.otherAttempts > 0
      ? [`${s.otherAttempts} attempts have no verdict or repeat a model: they are in decisions.jsonl only.`]
      : []),
    `Replay: acr bench replay --tasks ${directory}/tasks.jsonl --results ${directory}/results.jsonl ` +
      `--decisions ${directory}/decisions.jsonl --prices ${directory}/prices.json`,
  ].join('\n');
}
